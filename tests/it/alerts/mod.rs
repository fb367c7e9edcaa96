//! "Your photos are ready": who is written to about a gallery, and that it happens once.

mod fan_out_gallery;
mod faults;
mod send_alerts;

use tests::{System, sheree};

/// Cathy's school with Sheree on its roster, and a gallery.
async fn school_with_sheree(flags: &[&str]) -> System {
    let system = System::with(flags).await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    system.gallery("PD-1").await;
    system
}
