//! The closed lists of the schema, with the exact labels that the database and the API use.

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $label:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[serde(rename = $label)] $variant),+
        }

        impl $name {
            /// The label, as it stands in the database and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = super::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($label => Ok(Self::$variant),)+
                    _ => Err(super::Invalid::not_one_of(&[$($label),+])),
                }
            }
        }
    )+};
}

labels! {
    /// What somebody is here; decided at registration, for good.
    Role { Admin = "admin", Parent = "parent", Org = "org", Photographer = "photographer" }
    /// What kind of organisation it is.
    OrgType { School = "School", League = "League", Club = "Club" }
    /// How far a photographer has come in the academy.
    CertificationLevel { Level1 = "Level 1", Level2 = "Level 2", Master = "Master" }
    /// What a photographer pays for.
    PaywallTier { Free = "Free", Member = "Member", CdmPro = "CDM_Pro" }
    /// Where a gallery stands.
    GalleryStatus { PreReg = "Pre-Reg", Live = "Live", Archived = "Archived" }
    /// How a host's galleries go live: by the host's webhooks, or by hand where the host sends none.
    Publishes { Webhook = "webhook", ByHand = "by-hand" }
    /// What a photographer earns a commission for.
    ReferralAction { SignUp = "Sign_Up", GalleryPurchase = "Gallery_Purchase", Booking = "Booking" }
    /// What became of an event on its way to an endpoint; skipped: the endpoint was disabled or removed before, or a later
    /// event has taken its place.
    DeliveryStatus { Pending = "pending", Delivered = "delivered", Failed = "failed", Skipped = "skipped" }
    /// The events that others can be told of.
    WebhookEventType {
        UserCreated = "user.created",
        UserUpdated = "user.updated",
        UserDeleted = "user.deleted",
        GalleryLive = "gallery.live",
        ReferralEarned = "referral.earned",
    }
}
