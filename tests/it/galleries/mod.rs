//! Galleries, as their organisations and photographers register them.

mod create_gallery;
mod list_hosts;
