//! Users: registration, profile, context and deletion.

mod confirm_email;
mod delete_user;
mod get_user;
mod get_user_context;
mod register_user;
mod register_user_refusals;
mod update_profile;
