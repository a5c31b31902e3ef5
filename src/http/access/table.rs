//! Who may call what: every route of the service, once.

use axum::http::Method;

use crate::access::{Needs, Scope};

use Needs::{Nothing, OwnSecret, Reader};

const READ: Needs = Needs::Scope(Scope::Read);
const WRITE: Needs = Needs::Scope(Scope::Write);
const USERS: Needs = Needs::Scope(Scope::Users);
const ADMIN: Needs = Needs::Scope(Scope::Admin);

/// Methods and path, as the router has it (a `*` at its end stands for anything), and what a call needs of its caller.
const ROUTES: &[(&str, &str, Needs)] = &[
    // Whether it is there, and how it is called.
    ("GET", "/healthz", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/openapi.json", Nothing),
    ("GET", "/docs", Nothing),
    ("GET", "/docs/", Nothing),
    ("GET", "/docs/{*rest}", Nothing),
    // The pages, and their files. What is of a reader there is of the one who looks (`http/web/visitor`).
    ("GET", "/", READ),
    ("GET", "/paper/{id}", READ),
    ("GET", "/trending", READ),
    ("GET", "/search", READ),
    ("GET", "/for-you", READ),
    ("GET", "/begin", READ),
    ("GET", "/questions", READ),
    ("GET", "/turned-down", READ),
    ("GET", "/library", READ),
    ("GET", "/library/searches/{id}", READ),
    ("GET", "/themes", READ),
    ("GET", "/theme/{id}", READ),
    ("GET", "/map", READ),
    ("GET", "/subscribe", READ),
    ("GET", "/admin", ADMIN),
    ("GET POST", "/reader", READ),
    ("POST", "/opinion", READ),
    ("POST", "/choices", Nothing),
    ("GET", "/web/{version}/{name}", Nothing),
    // Signing in and out. A link is opened by the secret in its address.
    ("GET POST", "/sign-in", Nothing),
    ("GET POST", "/sign-in/{token}", OwnSecret),
    ("GET POST", "/sign-out", Nothing),
    ("GET POST", "/sessions", READ),
    // Who asks, and what of theirs is open: each is shown their own.
    ("GET", "/v1/me", READ),
    ("GET DELETE", "/v1/sessions", READ),
    ("DELETE", "/v1/sessions/{id}", READ),
    // It outlasts whatever it was made with, so no reader makes one.
    ("POST", "/v1/users/{user}/sign-in-link", USERS),
    // Papers.
    ("GET", "/v1/papers", READ),
    ("POST", "/v1/papers", WRITE),
    ("GET", "/v1/papers/{id}", READ),
    ("DELETE", "/v1/papers/{id}", WRITE),
    ("GET", "/v1/papers/{id}/citation", READ),
    ("GET", "/v1/papers/{id}/similar", READ),
    ("GET", "/v1/similar", READ),
    ("POST", "/v1/similar/batch", READ),
    ("GET POST", "/v1/search", READ),
    ("GET", "/v1/suggest", READ),
    ("POST", "/v1/recommend", READ),
    ("GET", "/v1/trending", READ),
    ("POST", "/v1/embed", READ),
    ("GET", "/v1/feed.atom", READ),
    ("GET", "/v1/feed.json", READ),
    ("GET", "/v1/search.atom", READ),
    // Other people's clients.
    ("GET", "/recommendations/v1/papers/forpaper/{*id}", READ),
    ("POST", "/recommendations/v1/papers/", READ),
    ("POST", "/recommendations/v1/papers", READ),
    ("GET", "/graph/v1/paper/{*id}", READ),
    ("POST", "/graph/v1/paper/batch", READ),
    ("GET", "/graph/v1/paper/search", READ),
    ("GET", "/graph/v1/paper/search/match", READ),
    ("GET", "/graph/v1/paper/autocomplete", READ),
    ("GET", "/api/daily_papers", READ),
    ("GET", "/api/papers", READ),
    ("GET", "/api/papers/search", READ),
    ("GET", "/api/papers/{*id}", READ),
    ("GET", "/papers/{*id}", READ),
    ("POST", "/v1/embeddings", READ),
    ("GET", "/v1/models", READ),
    ("GET", "/v1/models/{*id}", READ),
    ("POST", "/", READ),
    ("POST", "/embed", READ),
    ("POST", "/similarity", READ),
    ("GET", "/info", READ),
    // Themes.
    ("GET", "/v1/themes", READ),
    ("GET", "/v1/themes/map", READ),
    ("GET", "/v1/themes/map/papers", READ),
    ("GET", "/v1/themes/events", READ),
    ("POST", "/v1/themes/of", READ),
    ("POST", "/v1/themes/rebuild", ADMIN),
    ("GET", "/v1/themes/{id}", READ),
    ("GET", "/v1/themes/{id}/feed.atom", READ),
    // Readers.
    ("GET", "/v1/users", USERS),
    ("POST", "/v1/events", USERS),
    ("GET PUT DELETE", "/v1/users/{user}", Reader),
    ("GET POST", "/v1/users/{user}/events", Reader),
    ("POST", "/v1/users/{user}/history", Reader),
    ("GET", "/v1/users/{user}/imports", Reader),
    ("GET DELETE", "/v1/users/{user}/imports/{import}", Reader),
    ("GET", "/v1/users/{user}/library", Reader),
    ("GET POST", "/v1/users/{user}/folders", Reader),
    ("PATCH DELETE", "/v1/users/{user}/folders/{id}", Reader),
    ("POST", "/v1/users/{user}/folders/{id}/papers", Reader),
    ("PUT DELETE", "/v1/users/{user}/folders/{id}/papers/{paper}", Reader),
    ("GET", "/v1/users/{user}/notes", Reader),
    ("GET PUT DELETE", "/v1/users/{user}/notes/{id}", Reader),
    ("GET", "/v1/users/{user}/turned-down", Reader),
    ("DELETE", "/v1/users/{user}/turned-down/{id}", Reader),
    ("POST", "/v1/users/{user}/opinions", Reader),
    ("GET", "/v1/users/{user}/outside", Reader),
    ("DELETE", "/v1/users/{user}/outside/{id}", Reader),
    ("GET", "/v1/users/{user}/feed", Reader),
    ("POST", "/v1/users/{user}/feed/preview", Reader),
    ("GET", "/v1/users/{user}/feed.atom", OwnSecret),
    ("GET", "/v1/users/{user}/feed.json", OwnSecret),
    ("POST DELETE", "/v1/users/{user}/token", Reader),
    ("POST", "/v1/users/{user}/rank", Reader),
    ("GET", "/v1/users/{user}/questions", Reader),
    ("GET DELETE", "/v1/users/{user}/interests", Reader),
    ("PATCH DELETE", "/v1/users/{user}/interests/{id}", Reader),
    ("GET POST", "/v1/users/{user}/searches", Reader),
    ("PATCH DELETE", "/v1/users/{user}/searches/{id}", Reader),
    ("POST", "/v1/users/{user}/searches/{id}/seen", Reader),
    ("GET", "/v1/users/{user}/searches/{id}/papers", Reader),
    ("GET", "/v1/users/{user}/searches/{id}/feed.atom", OwnSecret),
    ("GET", "/v1/users/{user}/searches/{id}/feed.json", OwnSecret),
    // Mail. What stands behind the addresses in mails is opened by what they are signed with.
    ("GET", "/v1/subscriptions", ADMIN),
    ("POST", "/v1/subscriptions", READ),
    ("GET PATCH", "/v1/subscriptions/{id}", ADMIN),
    ("POST", "/v1/subscriptions/bounces", ADMIN),
    ("GET POST", "/v1/subscriptions/{id}/confirm", OwnSecret),
    ("GET POST", "/v1/subscriptions/{id}/unsubscribe", OwnSecret),
    ("GET POST", "/v1/subscriptions/{id}/manage", OwnSecret),
    ("GET POST", "/v1/subscriptions/{id}/act", OwnSecret),
    ("GET POST", "/v1/digests", ADMIN),
    // What a language model asks. Whose feed is read is looked at by what reads it.
    ("GET POST DELETE", "/mcp", READ),
    // How it runs.
    ("GET", "/metrics", READ),
    ("GET POST", "/v1/keys", ADMIN),
    ("DELETE", "/v1/keys/{id}", ADMIN),
    // Of one user for who acts for that user, else with `users`; of nobody with `admin`: the handlers look at whose each is.
    ("GET POST", "/v1/webhooks", READ),
    ("DELETE", "/v1/webhooks/{id}", READ),
    ("GET", "/v1/webhooks/{id}/deliveries", READ),
    ("POST", "/v1/webhooks/{id}/deliveries/{delivery}/redeliver", READ),
    ("GET", "/v1/backup", ADMIN),
    ("GET", "/v1/jobs", ADMIN),
    ("GET", "/v1/jobs/{name}", ADMIN),
    ("POST", "/v1/jobs/{name}/run", ADMIN),
    ("GET", "/v1/sources", ADMIN),
    ("POST", "/v1/sources/{name}/run", ADMIN),
];

/// What the table says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The call is there and needs this.
    Call(Needs),
    /// The path is there and does not take the method.
    OtherMethods,
    /// The path is not in the table: nobody may call it.
    Missing,
}

/// Methods and paths, as they stand in the table.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = (Vec<&'static str>, &'static str)> {
    ROUTES.iter().map(|(methods, path, _)| (methods.split(' ').collect(), *path))
}

/// A path of the document, as the router has it: a place that takes a `/` as well has a `*` there.
pub fn as_in_router(said: &str) -> String {
    let known = ROUTES.iter().map(|(_, path, _)| *path).filter(|path| path.contains("{*"));
    known.into_iter().find(|path| path.replace("{*", "{") == said).unwrap_or(said).to_string()
}

/// What the table says of a method and a path, as the router has it.
pub fn entry(method: &Method, route: &str) -> Entry {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let of_route = |path: &str| path.strip_suffix('*').map_or(path == route, |start| route.starts_with(start));
    let mut known = false;
    for (methods, path, needs) in ROUTES {
        if of_route(path) {
            known = true;
            if methods.split(' ').any(|m| m == method) {
                return Entry::Call(*needs);
            }
        }
    }
    if known { Entry::OtherMethods } else { Entry::Missing }
}
