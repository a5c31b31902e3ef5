//! What can be asked of what a reader keeps, wrote, and turned down.

use crate::engine::Engine;
use crate::engine::page::Page;
use crate::engine::readers::{
    Filed, FolderList, FolderView, Kept, LibraryOptions, NoteView, Noted, PaperOpinion, TurnedDown,
};
use crate::error::Result;
use crate::paper::PaperId;
use crate::user::Press;

impl Engine {
    /// A page of what a user keeps: the papers that they saved or liked, oldest first, then those papers of their library that
    /// they never said anything of, by title. `limit` is at most [`HITS`](crate::bounds::HITS).
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user that is not there,
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range, or a page that would be too long,
    /// [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn collection(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Kept>> {
        self.readers.collection(name, limit, cursor)
    }

    /// The same as it is asked for: of a folder, as far as a query finds it, in another order; `next` is the `offset` of the next
    /// page.
    ///
    /// A query finds what holds all of its words (a paper of the corpus as a search has it; one from outside, or the reader's note, each
    /// word as the beginning of one of its own), and what is about it: with a score above the bar of saved searches
    /// ([`Engine::matches`]), measured against the best five of what is kept. With conditions in it (`author:`, `OR`, quotes, minus)
    /// only papers of the corpus that meet them are found.
    ///
    /// # Errors
    /// As for [`Engine::collection`]; [`Error::NotFound`](crate::Error::NotFound) also for a folder that the reader does not have, and
    /// [`Error::Invalid`](crate::Error::Invalid) for a query that is empty or too long, and for a kind that nothing is kept for.
    pub fn library(&self, name: &str, ask: &LibraryOptions) -> Result<Page<Kept>> {
        self.readers.kept_page(name, ask)
    }

    /// The folders of a reader in the order in which they were made, with how much of what they keep is in each.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn folders(&self, name: &str) -> Result<FolderList> {
        self.readers.folders(name)
    }

    /// Makes a folder; the reader is made if new. Says whether it was not there before: one of a name is made once, and stays as it is.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name that is not allowed, and when the reader has
    /// [`FOLDERS`](crate::bounds::FOLDERS).
    pub fn make_folder(&self, name: &str, folder: &str) -> Result<(FolderView, bool)> {
        self.readers.make_folder(name, folder)
    }

    /// Gives a folder another name.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or folder; [`Error::Invalid`](crate::Error::Invalid) for a
    /// name that is not allowed, or that another folder of theirs has.
    pub fn rename_folder(&self, name: &str, id: &str, to: &str) -> Result<FolderView> {
        self.readers.rename_folder(name, id, to)
    }

    /// Forgets a folder. The papers in it stay saved.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or folder.
    pub fn delete_folder(&self, name: &str, id: &str) -> Result<()> {
        self.readers.delete_folder(name, id)
    }

    /// Puts papers into a folder, all or none, and saves those that are not saved. A paper may be named by any form of an identifier.
    /// What an import had saved stays when that is taken back.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or folder, and for the first paper that is not there;
    /// [`Error::Invalid`](crate::Error::Invalid) for no papers or more than [`SELECTED`](crate::bounds::SELECTED), and when the reader
    /// would have more than [`FILED`](crate::bounds::FILED) in folders.
    pub fn file_papers(&self, name: &str, id: &str, papers: &[PaperId]) -> Result<Filed> {
        self.readers.file_papers(name, id, papers)
    }

    /// Takes a paper out of a folder. It stays saved.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or folder, or the paper is not in it.
    pub fn unfile_paper(&self, name: &str, id: &str, paper: &PaperId) -> Result<()> {
        self.readers.unfile_paper(name, id, paper)
    }

    /// What a reader wrote on a paper; none where that is nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn note(&self, name: &str, paper: &PaperId) -> Result<Option<NoteView>> {
        self.readers.note(name, paper)
    }

    /// Writes a note on a paper in the place of the one that is there; the reader is made if new. Lines end in `\n` then; control
    /// characters and blanks around the text are dropped.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a paper that is not there and has no note; [`Error::Invalid`](crate::Error::Invalid)
    /// for a text without anything to see, or of more than [`NOTE_CHARS`](crate::bounds::NOTE_CHARS) characters, and when the reader has
    /// [`NOTES`](crate::bounds::NOTES).
    pub fn put_note(&self, name: &str, paper: &PaperId, text: &str) -> Result<NoteView> {
        self.readers.put_note(name, paper, text)
    }

    /// Forgets a note.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or note.
    pub fn delete_note(&self, name: &str, paper: &PaperId) -> Result<()> {
        self.readers.delete_note(name, paper)
    }

    /// A page of what a reader wrote, what was changed last first, each with its paper where that is still there.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user that is not there, [`Error::Invalid`](crate::Error::Invalid) for a limit out
    /// of range, [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn notes(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Noted>> {
        self.readers.notes(name, limit, cursor)
    }

    /// Where a reader stands on some papers, in their order: what marks beside them show. Reads what was done with these papers alone.
    /// Nothing is known of a reader who is not there.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for more than [`BATCH`](crate::bounds::BATCH) papers.
    pub fn opinions(&self, name: &str, papers: &[PaperId]) -> Result<Vec<PaperOpinion>> {
        self.readers.opinions(name, papers)
    }

    /// A page of the papers that a reader turned down (their last verdict is a dislike or a dismissal), the last first.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user that is not there, [`Error::Invalid`](crate::Error::Invalid) for a limit out
    /// of range, [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn turned_down(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<TurnedDown>> {
        self.readers.turned_down(name, limit, cursor)
    }

    /// Takes back that a reader turned a paper down: it may be shown again, and what they had said of it before stands again. Gives
    /// where they stand then. Changes nothing where they have not turned it down.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or the paper is not there any more.
    pub fn take_back(&self, name: &str, paper: &PaperId) -> Result<PaperOpinion> {
        self.readers.take_back(name, paper)
    }

    /// Writes down what a reader pressed beside a paper, behind all that they have said of it, and gives where they stand then. The
    /// reader is made if new.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a paper that is not there, [`Error::Invalid`](crate::Error::Invalid) for a name that
    /// is not allowed.
    pub fn press(&self, name: &str, paper: &PaperId, press: Press) -> Result<PaperOpinion> {
        self.readers.press(name, paper, press)
    }
}
