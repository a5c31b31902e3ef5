//! What readers keep: their library in folders and with notes, and what they turned down.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::access::{Behind, BothBehind, Reader};
use super::citations::{ListOfPapers, as_json};
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, NoParams, Params};
use super::papers::PageMeta;
use super::request_fields::{Field, ids, paper_id};
use crate::bounds;
use crate::engine::{
    Filed, FolderList, FolderView, InFolder, Kept, LibraryOptions, LibrarySort, Mode, NoteView, Noted, PaperOpinion,
    TurnedDown,
};
use crate::error::Error;
use crate::paper::{Paper, PaperId, head};
use crate::user::EventKind;

/// Papers in a page where nothing is said.
const PAGE: usize = 50;

/// What stands for no folder in the parameter `folder`.
const NO_FOLDER: &str = "none";

/// Papers that a user keeps.
#[derive(Serialize, ToSchema)]
pub struct Library {
    /// The papers of this page.
    papers: Vec<Kept>,
    meta: PageMeta,
}

impl ListOfPapers for Library {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.papers.iter().map(|kept| (&kept.paper, kept.score))
    }

    fn file_name(&self) -> String {
        "library".into()
    }
}

/// A user's library
///
/// The papers that they saved or liked (their last verdict counts), oldest first, in the corpus or not; then those papers from
/// outside the corpus that came with a reading list and of which they said nothing, by title. Each with its folders and the note on
/// it. What `POST /v1/users/{user}/history` takes in as it is.
///
/// `q` searches in it: found is what holds all words of the query (in a paper from outside the corpus, and in the user's notes, each
/// word as the beginning of one of theirs), and what is about it, with a score near enough to that of the best five of the library.
/// `mode` as in a search. With conditions in the query (`author:`, `OR`, quotes, minus) only papers of the corpus that meet them are
/// found: they are looked for neither in notes nor outside the corpus.
///
/// As JSON a page of 50 where `limit` says nothing else. In any other form the whole library, where none of `limit`, `offset` and
/// `cursor` is given: up to 20,000 papers, of 128 MB; a longer one is 422, and `paperkin history export` writes it, of any length.
#[utoipa::path(get, operation_id = "get_library", path = "/v1/users/{user}/library", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("q" = Option<String>, Query, description = "only what this query finds"),
           ("mode" = Option<Mode>, Query, description = "how texts are compared with `q`: `hybrid` (default), `dense` or `lexical`"),
           ("folder" = Option<String>, Query, description = "only what is in this folder, by its id; `none` for what is in no folder"),
           ("kind" = Option<EventKind>, Query, description = "only what is saved (`save`), or liked and not saved (`like`)"),
           ("sort" = Option<LibrarySort>, Query,
               description = "the order: `oldest` (default) or `newest` said first, `title`, `date` of the paper (the newest first), \
                   `author` (surname of the first), or `best` (default with `q`)"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 20_000, description = "papers a page, 1 to 20,000"),
           ("offset" = Option<u64>, Query, description = "papers to pass over first"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before, in place of `offset`")),
    responses((status = 200, body = Library), (status = 404, body = ErrorBody)))]
pub async fn get(State(app): State<App>, reader: Reader, Params(mut given): Params) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    let (limit, offset): (Option<usize>, Option<usize>) = (take("limit").whole()?, take("offset").whole()?);
    let cursor: Option<String> = take("cursor").word()?;
    let folder: Option<String> = take("folder").word()?;
    let ask = LibraryOptions {
        query: take("q").word()?,
        mode: take("mode").word()?.unwrap_or_default(),
        folder: folder.map(|id| if id == NO_FOLDER { InFolder::Nowhere } else { InFolder::Of(id) }),
        kind: take("kind").word()?,
        sort: take("sort").word()?,
        ..LibraryOptions::default()
    };
    given.nothing_else()?;
    let from_cursor = cursor.as_deref().map(|text| {
        let unknown =
            || ApiError::bad_request(format!("{:?} is no cursor; use the `next` of the page before", head(text, 60)));
        text.parse::<usize>().map_err(|_| unknown())
    });
    let whole = !as_json() && limit.is_none() && offset.is_none() && cursor.is_none();
    let offset = match (offset, from_cursor.transpose()?) {
        (Some(_), Some(_)) => return Err(ApiError::bad_request("give `offset` or `cursor`, not both")),
        (offset, cursor) => offset.or(cursor).unwrap_or(0),
    };
    app.papers(move |engine| {
        let limit = limit.unwrap_or(if whole { bounds::HITS } else { PAGE });
        let page = engine.library(reader.name(), &LibraryOptions { limit, offset, ..ask })?;
        if whole && page.next.is_some() {
            return Err(Error::Invalid(format!(
                "the library has {} papers; at most {} come in one answer: ask for parts with `limit` and `cursor`, or use \
                 `paperkin history export` on the machine of the service",
                page.total,
                bounds::HITS
            )));
        }
        Ok(Library { papers: page.items, meta: PageMeta { total: page.total, next: page.next } })
    })
    .await
}

/// The name of a folder.
#[derive(ToSchema)]
#[allow(dead_code)] // This is what the OpenAPI document says.
pub struct FolderBody {
    /// What to call it; 1 to 200 bytes.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// Papers that are to be put into a folder.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct FilePapersBody {
    /// 1 to 5,000 papers: ids, or any form of an arXiv id, DOI and the like.
    #[schema(min_items = 1, max_items = 5_000)]
    papers: Vec<String>,
}

/// A user's folders
///
/// In the order in which they were made, each with how many of the papers that they keep are in it.
#[utoipa::path(get, operation_id = "list_folders", path = "/v1/users/{user}/folders", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = FolderList), (status = 404, body = ErrorBody)))]
pub async fn folders(State(app): State<App>, reader: Reader, _: NoParams) -> Result<Response, ApiError> {
    app.answer(move |engine| engine.folders(reader.name())).await
}

/// Make a folder
///
/// The user is made if new. A folder of this name that is there already stays as it is, and comes back with 200; what is new with 201.
/// A user can have 200 folders, and 50,000 papers in them, one counted in each that it is in.
#[utoipa::path(post, operation_id = "make_folder", path = "/v1/users/{user}/folders", tag = "users", request_body = FolderBody,
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = FolderView, description = "it was there already"), (status = 201, body = FolderView)))]
pub async fn make_folder(State(app): State<App>, reader: Reader, given: Fields) -> Result<Response, ApiError> {
    let name = name_in(given)?;
    let (folder, made) = app.blocking(move |engine| engine.make_folder(reader.name(), &name)).await?;
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(folder)).into_response())
}

/// Rename a folder
#[utoipa::path(patch, operation_id = "rename_folder", path = "/v1/users/{user}/folders/{id}", tag = "users", request_body = FolderBody,
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the folder")),
    responses((status = 200, body = FolderView), (status = 404, body = ErrorBody)))]
pub async fn rename_folder(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    given: Fields,
) -> Result<Json<FolderView>, ApiError> {
    let name = name_in(given)?;
    app.blocking(move |engine| engine.rename_folder(reader.name(), &id, &name)).await.map(Json)
}

/// Forget a folder
///
/// The papers in it stay saved. Its id is not used again.
#[utoipa::path(delete, operation_id = "delete_folder", path = "/v1/users/{user}/folders/{id}", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the folder")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete_folder(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.delete_folder(reader.name(), &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put papers into a folder
///
/// All or none. Those that are not saved are saved with that; what a reading list had saved stays when that is taken back. A paper
/// stands in any number of folders.
#[utoipa::path(post, operation_id = "file_papers", path = "/v1/users/{user}/folders/{id}/papers", tag = "users",
    request_body = FilePapersBody,
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the folder")),
    responses((status = 200, body = Filed), (status = 404, body = ErrorBody, description = "there is no such folder, or paper")))]
pub async fn file_papers(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    Fields(mut given): Fields,
) -> Result<Json<Filed>, ApiError> {
    let papers = ids_in(&given.take("papers"), "it holds what goes into the folder")?;
    given.nothing_else()?;
    app.blocking(move |engine| engine.file_papers(reader.name(), &id, &papers)).await.map(Json)
}

/// Put a paper into a folder
///
/// It is saved with that where it is not. Gives where the user stands on it then.
#[utoipa::path(put, operation_id = "file_paper", path = "/v1/users/{user}/folders/{id}/papers/{paper}", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the folder"),
           ("paper" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 200, body = PaperOpinion), (status = 404, body = ErrorBody, description = "there is no such folder, or paper")))]
pub async fn file_paper(
    State(app): State<App>,
    reader: Reader,
    BothBehind(id, paper): BothBehind,
    _: NoParams,
) -> Result<Json<PaperOpinion>, ApiError> {
    app.blocking(move |engine| {
        let papers = [paper_id(paper)?];
        engine.file_papers(reader.name(), &id, &papers)?;
        Ok(engine.opinions(reader.name(), &papers)?.remove(0))
    })
    .await
    .map(Json)
}

/// Take a paper out of a folder
///
/// It stays saved.
#[utoipa::path(delete, operation_id = "unfile_paper", path = "/v1/users/{user}/folders/{id}/papers/{paper}", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the folder"),
           ("paper" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 204), (status = 404, body = ErrorBody, description = "there is no such folder, or the paper is not in it")))]
pub async fn unfile_paper(
    State(app): State<App>,
    reader: Reader,
    BothBehind(id, paper): BothBehind,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.unfile_paper(reader.name(), &id, &paper_id(paper)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is to be written on a paper.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct NoteBody {
    /// Plain text of 1 to 10,000 characters. Lines end in `\n` then; other control characters, and blanks around it, are dropped.
    #[schema(min_length = 1)]
    text: String,
}

/// A page of notes.
#[derive(Serialize, ToSchema)]
pub struct NoteList {
    /// What was changed last first.
    notes: Vec<Noted>,
    meta: PageMeta,
}

/// A user's notes
///
/// What was changed last first, each with its paper; also those of papers that are not there any more.
#[utoipa::path(get, operation_id = "list_notes", path = "/v1/users/{user}/notes", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "notes a page, default 50"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before")),
    responses((status = 200, body = NoteList), (status = 404, body = ErrorBody)))]
pub async fn notes(State(app): State<App>, reader: Reader, Params(mut given): Params) -> Result<Response, ApiError> {
    let limit = given.take("limit").whole()?.unwrap_or(PAGE);
    let cursor: Option<String> = given.take("cursor").word()?;
    given.nothing_else()?;
    app.answer(move |engine| {
        let page = engine.notes(reader.name(), limit, cursor.as_deref())?;
        Ok(NoteList { notes: page.items, meta: PageMeta { total: page.total, next: page.next } })
    })
    .await
}

/// A user's note on a paper
#[utoipa::path(get, operation_id = "get_note", path = "/v1/users/{user}/notes/{id}", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 200, body = NoteView), (status = 404, body = ErrorBody)))]
pub async fn note(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<Json<NoteView>, ApiError> {
    app.blocking(move |engine| {
        let note = engine.note(reader.name(), &paper_id(id.clone())?)?;
        note.ok_or_else(|| Error::NotFound { what: "note", id: head(&id, 80) })
    })
    .await
    .map(Json)
}

/// Write a note on a paper
///
/// In the place of the one that is there. The user is made if new. The note outlives its paper. A user can have 5,000 notes.
#[utoipa::path(put, operation_id = "put_note", path = "/v1/users/{user}/notes/{id}", tag = "users", request_body = NoteBody,
    params(("user" = String, Path, description = "the user's name"),
           ("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 200, body = NoteView), (status = 404, body = ErrorBody)))]
pub async fn put_note(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    Fields(mut given): Fields,
) -> Result<Json<NoteView>, ApiError> {
    let text: Option<String> = given.take("text").word()?;
    given.nothing_else()?;
    let text = text.ok_or_else(|| ApiError::bad_request("the field `text` is missing; DELETE forgets a note"))?;
    app.blocking(move |engine| engine.put_note(reader.name(), &paper_id(id)?, &text)).await.map(Json)
}

/// Forget a note
#[utoipa::path(delete, operation_id = "delete_note", path = "/v1/users/{user}/notes/{id}", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete_note(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.delete_note(reader.name(), &paper_id(id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Papers that a user turned down.
#[derive(Serialize, ToSchema)]
pub struct TurnedDownList {
    /// The papers of this page, the last first.
    papers: Vec<TurnedDown>,
    meta: PageMeta,
}

impl ListOfPapers for TurnedDownList {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.papers.iter().map(|turned_down| (&turned_down.paper, None))
    }

    fn file_name(&self) -> String {
        "turned-down".into()
    }
}

/// What a user turned down
///
/// The papers that they disliked or dismissed last and have not taken that back, the last first.
#[utoipa::path(get, operation_id = "list_turned_down", path = "/v1/users/{user}/turned-down", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers a page, default 50"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before")),
    responses((status = 200, body = TurnedDownList), (status = 404, body = ErrorBody)))]
pub async fn turned_down(
    State(app): State<App>,
    reader: Reader,
    Params(mut given): Params,
) -> Result<Response, ApiError> {
    let limit = given.take("limit").whole()?.unwrap_or(PAGE);
    let cursor: Option<String> = given.take("cursor").word()?;
    given.nothing_else()?;
    app.papers(move |engine| {
        let page = engine.turned_down(reader.name(), limit, cursor.as_deref())?;
        Ok(TurnedDownList { papers: page.items, meta: PageMeta { total: page.total, next: page.next } })
    })
    .await
}

/// Take back that a paper was turned down
///
/// It may be shown again, and a like or save that was said before stands again. Written down as events: `clear`, then what stood
/// before. Changes nothing where the paper was not turned down. Gives where the user stands on it then.
#[utoipa::path(delete, operation_id = "take_back", path = "/v1/users/{user}/turned-down/{id}", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 200, body = PaperOpinion), (status = 404, body = ErrorBody)))]
pub async fn take_back(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<Json<PaperOpinion>, ApiError> {
    app.blocking(move |engine| engine.take_back(reader.name(), &paper_id(id)?)).await.map(Json)
}

/// Papers that are asked about.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct OpinionsBody {
    /// Up to 1,000 papers: ids, or any form of an arXiv id, DOI and the like.
    #[schema(max_items = 1_000)]
    ids: Vec<String>,
}

/// Where a user stands on some papers.
#[derive(Serialize, ToSchema)]
pub struct OpinionList {
    /// One for each paper, in their order.
    opinions: Vec<PaperOpinion>,
}

/// Where a user stands on some papers
///
/// Whether they liked, saved, turned down and looked at each, its folders, and whether they wrote something on it: the marks beside a
/// list. Of a user who is not there nothing is known. What they said of a paper that is gone is told still.
#[utoipa::path(post, operation_id = "get_opinions", path = "/v1/users/{user}/opinions", tag = "users", request_body = OpinionsBody,
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = OpinionList)))]
pub async fn opinions(State(app): State<App>, reader: Reader, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let papers = ids_in(&given.take("ids"), "it holds the papers that are asked about")?;
    given.nothing_else()?;
    app.answer(move |engine| Ok(OpinionList { opinions: engine.opinions(reader.name(), &papers)? })).await
}

/// The ids in a field that has to be there.
fn ids_in(field: &Field, what: &str) -> Result<Vec<PaperId>, ApiError> {
    if field.value.is_none() {
        return Err(ApiError::bad_request(format!("the field `{}` is missing; {what}", field.name)));
    }
    ids(field.texts()?)
}

/// The one field of a body that names a folder.
fn name_in(Fields(mut given): Fields) -> Result<String, ApiError> {
    let name: Option<String> = given.take("name").word()?;
    given.nothing_else()?;
    name.ok_or_else(|| ApiError::bad_request("the field `name` is missing; it is what the folder is called"))
}
