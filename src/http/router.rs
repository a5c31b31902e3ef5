//! The routes: the table of contents of the service.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{
    App, access, answer, backup, citations, clients, docs, embed, feed, headers, health, history, hsts, interests,
    jobs, keys, library, limits, metrics, news, papers, recommend, record, search, searches, sessions, sources,
    subscriptions, themes, users, web, webhooks,
};

/// The routes, and the document without what is true of many of them.
fn routes() -> (Router<App>, Document) {
    let cited = OpenApiRouter::new().routes(routes!(citations::cite)).route_layer(from_fn(citations::of_paper));
    let (api, document) = OpenApiRouter::with_openapi(docs::Frame::openapi())
        .merge(lists_of_papers())
        .merge(cited)
        .merge(clients::routes())
        .routes(routes!(search::batch))
        .routes(routes!(search::suggest))
        .routes(routes!(papers::put))
        .routes(routes!(papers::get, papers::delete))
        .routes(routes!(themes::list))
        .routes(routes!(themes::map))
        .routes(routes!(themes::map_papers))
        .routes(routes!(themes::events))
        .routes(routes!(themes::of))
        .routes(routes!(themes::rebuild))
        .routes(routes!(users::put, users::get, users::delete))
        .routes(routes!(users::list))
        .routes(routes!(users::add_events, users::list_events))
        .routes(routes!(users::add_events_of_many))
        .routes(routes!(history::import))
        .routes(routes!(history::imports))
        .routes(routes!(history::get_import, history::undo_import))
        .routes(routes!(history::remove_outside))
        .routes(routes!(library::folders, library::make_folder))
        .routes(routes!(library::rename_folder, library::delete_folder))
        .routes(routes!(library::file_papers))
        .routes(routes!(library::file_paper, library::unfile_paper))
        .routes(routes!(library::notes))
        .routes(routes!(library::note, library::put_note, library::delete_note))
        .routes(routes!(library::take_back))
        .routes(routes!(library::opinions))
        .routes(routes!(news::token, news::revoke_token))
        .routes(routes!(news::user_atom))
        .routes(routes!(news::user_json))
        .routes(routes!(news::daily_atom))
        .routes(routes!(news::daily_json))
        .routes(routes!(news::search_atom))
        .routes(routes!(news::theme_atom))
        .routes(routes!(interests::list, interests::reset_all))
        .routes(routes!(interests::patch, interests::reset))
        .routes(routes!(searches::list, searches::save))
        .routes(routes!(searches::change, searches::delete))
        .routes(routes!(searches::seen))
        .routes(routes!(news::search_atom_of_user))
        .routes(routes!(news::search_json_of_user))
        .routes(routes!(embed::post))
        .routes(routes!(sessions::me))
        .routes(routes!(sessions::list, sessions::end_all))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::make_link))
        .routes(routes!(keys::make, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(webhooks::list, webhooks::make))
        .routes(routes!(webhooks::delete))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(backup::get))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::get))
        .routes(routes!(jobs::run))
        .routes(routes!(sources::list))
        .routes(routes!(sources::run))
        .routes(routes!(subscriptions::subscribe, subscriptions::list))
        .routes(routes!(subscriptions::get, subscriptions::patch))
        .routes(routes!(subscriptions::bounced))
        .routes(routes!(subscriptions::mails, subscriptions::digests))
        .routes(routes!(web::subscription::ask_to_confirm, web::subscription::confirm))
        .routes(routes!(web::subscription::ask_to_unsubscribe, web::subscription::unsubscribe))
        .routes(routes!(web::subscription::look, web::subscription::manage))
        .routes(routes!(web::subscription::ask_to_act, web::subscription::act_on))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .split_for_parts();
    (
        api.merge(web::routes())
            .merge(clients::second_names())
            .merge(clients::mcp::routes())
            .merge(docs::routes(document.clone())),
        document,
    )
}

/// The routes whose answers are lists of papers, which come as references as well.
fn lists_of_papers() -> OpenApiRouter<App> {
    let mut lists = OpenApiRouter::new()
        .routes(routes!(search::get, search::post))
        .routes(routes!(search::similar))
        .routes(routes!(search::similar_by_id))
        .routes(routes!(recommend::post))
        .routes(routes!(papers::list))
        .routes(routes!(themes::get))
        .routes(routes!(history::outside))
        .routes(routes!(library::get))
        .routes(routes!(library::turned_down))
        .routes(routes!(feed::get))
        .routes(routes!(feed::preview))
        .routes(routes!(feed::rank))
        .routes(routes!(feed::questions))
        .routes(routes!(searches::papers))
        .routes(routes!(feed::trending));
    citations::tell_forms(lists.get_openapi_mut());
    lists.route_layer(from_fn(citations::of_list))
}

/// The whole service; pages of these origins may ask it from a browser.
pub fn router(app: App, origins: &[String]) -> Router {
    let routes = routes()
        .0
        .fallback(web::nothing_there)
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path does not take that method; /docs lists what it takes",
            )
        })
        .layer(from_fn_with_state(app.clone(), access::authorize))
        .layer(CatchPanicLayer::custom(limits::panicked))
        .layer(from_fn_with_state(app.clone(), answer::count))
        .layer(from_fn(limits::one_shape))
        // What is long was packed before, where there is time.
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(answer::uncounted)))
        .layer(from_fn_with_state(app.clone(), limits::admit));
    let routes = match access::origins(origins) {
        // What a browser asks first is answered before anything of the service looks at it.
        Some(layer) => routes.layer(layer),
        None => routes,
    };
    let routes = routes.layer(from_fn_with_state(app.clone(), access::answer_for_own_hosts));
    let https = app.tls.is_some() || app.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let routes = if https { routes.layer(from_fn_with_state(app.clone(), hsts::promise)) } else { routes };
    // What any of the layers refuses is said in the words of whose client asked.
    let routes = routes.layer(from_fn(clients::speak));
    // Outermost: nothing is answered of which nothing is told.
    routes.layer(from_fn(headers::guard)).layer(from_fn_with_state(app.clone(), record::record)).with_state(app)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The paths of a router: it says them where it is shown for debugging, and nowhere else.
    fn paths(routes: &Router<App>) -> BTreeSet<String> {
        let is_path = |text: &&str| text.starts_with('/') && !text.contains("__private__axum_fallback");
        format!("{routes:?}").split('"').filter(is_path).map(str::to_string).collect()
    }

    #[test]
    fn the_table_of_who_may_call_what_is_that_of_the_routes() {
        let (routes, document) = routes();
        let paths = paths(&routes);
        assert!(paths.len() > 50 && paths.contains("/v1/users/{user}/interests/{id}"), "blind: {paths:?}");
        let mut table: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        access::all_of_table().for_each(|(methods, path)| table.entry(path).or_default().extend(methods));
        let entry_of = |path: &str| {
            let fits = |known: &&str| known.strip_suffix('*').map_or(*known == path, |start| path.starts_with(start));
            table.keys().copied().find(fits)
        };
        for path in &paths {
            assert!(entry_of(path).is_some(), "{path} is served, and not in the table of who may call what");
        }
        for entry in table.keys() {
            let is_there = paths.iter().any(|path| entry_of(path) == Some(entry));
            assert!(is_there, "{entry} is in the table of who may call what, and not served");
        }
        for (path, item) in &document.paths.paths {
            let path = &access::as_in_router(path);
            let methods = [("GET", &item.get), ("PUT", &item.put), ("POST", &item.post), ("DELETE", &item.delete)];
            let methods = methods.into_iter().chain([("PATCH", &item.patch)]);
            let said: BTreeSet<&str> = methods.filter(|(_, said)| said.is_some()).map(|(method, _)| method).collect();
            assert_eq!(table.get(path.as_str()), Some(&said), "{path}");
        }
        // What the document does not know takes nothing in, but for the forms of the pages, and what a language model asks: that is a
        // protocol of its own, which tells by itself what it takes.
        let forms =
            ["/sign-in", "/sign-in/{token}", "/sign-out", "/sessions", "/reader", "/opinion", "/choices", "/mcp"];
        // Second names of calls that the document has.
        let second = ["/", "/recommendations/v1/papers"];
        for (entry, methods) in &table {
            let known = document.paths.paths.contains_key(&entry.replace("{*", "{"))
                || [&forms[..], &second].concat().contains(entry);
            assert!(known || methods.iter().eq(["GET"].iter()), "{entry} is not in the document");
        }
    }
}
