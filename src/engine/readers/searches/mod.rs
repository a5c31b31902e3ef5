//! What readers follow, the papers of it, and who is told of them.

mod address;
mod matches;
mod saved;
#[cfg(test)]
mod tests;
mod webhooks;

pub use matches::Matches;
pub use saved::{
    KeptCounts, SavedSearch, SearchHit, SearchPapers, SearchPapersOptions, SearchPatch, SearchView, kind, search_id,
};
pub use webhooks::{DeliveryOfWebhook, NewHook, OutgoingCall, WebhookMade, WebhookView};
