//! What holds for every route: the description in `docs/openapi.yaml`.

mod access;
mod openapi;
