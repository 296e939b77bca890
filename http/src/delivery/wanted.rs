//! What a signature opens: the rules of delivery, in one function.

use salon_actors::MediaScope;
use salon_protocol::ErrorCode;
use salon_protocol::photo::PhotoState;
use salon_storage::model::PhotoFile;

use super::{gone, missing, name};
use crate::error::{ApiError, ApiResult};

/// The variants that a photo can have. They are told one by one as they are made, but written down together in
/// the end: until then the blob store knows which are there.
const SIDES: [u32; 3] = [400, 1024, 2048];

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its name in the blob store, and in its ETag.
    pub(crate) variant: String,
    /// It is made of the original when it is not there yet.
    pub(crate) is_stripped: bool,
    pub(crate) content_type: &'static str,
    /// A name for a file that it is saved to.
    pub(crate) name: String,
    /// It is to be saved, not shown.
    pub(crate) attachment: bool,
}

/// What the bearer of a signature gets of a photo.
///
/// # Errors
/// `not_found` for what never was or is not yet shown, `gone` for what was taken back, `forbidden` for
/// what the signature does not open.
pub(crate) fn wanted(
    file: &PhotoFile,
    scope: MediaScope,
    variant: &str,
    download: bool,
) -> ApiResult<Wanted> {
    let staff = scope == MediaScope::Staff;
    match file.state {
        None => return Err(gone()),
        Some(PhotoState::Hidden) if !staff => return Err(gone()),
        Some(PhotoState::Pending) if !staff => return Err(missing()),
        Some(PhotoState::Live | PhotoState::Hidden | PhotoState::Pending) => {}
    }
    if variant == "original" {
        if scope < MediaScope::Original {
            return Err(not_opened());
        }
        let (content_type, endings) = kind(&file.mime);
        return Ok(Wanted {
            variant: if staff { "original" } else { "stripped" }.to_owned(),
            is_stripped: !staff,
            content_type,
            name: name::with_one_of(&file.name, endings),
            attachment: true,
        });
    }
    // Exactly as we write it: `0400` would be another name for the same in caches.
    let sides: &[u32] = if file.variants.is_empty() { &SIDES } else { &file.variants };
    let known = sides.iter().find(|side| side.to_string() == variant);
    let side = known.ok_or_else(missing)?;
    if download && scope < MediaScope::Preview {
        return Err(not_opened());
    }
    Ok(Wanted {
        variant: side.to_string(),
        is_stripped: false,
        content_type: "image/jpeg",
        name: name::of_variant(&file.name),
        attachment: download,
    })
}

fn not_opened() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "this address does not open that")
}

/// The type of an original and the endings that go with it. What is no picture of ours is bytes to a browser.
pub(super) fn kind(mime: &str) -> (&'static str, &'static [&'static str]) {
    match mime {
        "image/jpeg" => ("image/jpeg", &["jpg", "jpeg", "jpe"]),
        "image/png" => ("image/png", &["png"]),
        "image/webp" => ("image/webp", &["webp"]),
        _ => ("application/octet-stream", &["bin"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::fake::file;

    fn code(outcome: ApiResult<Wanted>) -> ErrorCode {
        outcome.unwrap_err().0.code
    }

    #[test]
    fn a_scope_opens_exactly_what_it_says() {
        use MediaScope::{Original, Preview, Staff, View};
        let file = file("IMG_1.PNG", PhotoState::Live);
        for scope in [View, Preview, Original, Staff] {
            let shown = wanted(&file, scope, "400", false).unwrap();
            assert_eq!((shown.variant.as_str(), shown.attachment), ("400", false));
            let kept = wanted(&file, scope, "2048", true).map(|wanted| wanted.attachment);
            assert_eq!(kept.ok(), (scope >= Preview).then_some(true), "{scope:?}");
            for never in ["1024", "0400", "+400", "", "stripped", "mark", "original ", "../400"] {
                assert_eq!(code(wanted(&file, scope, never, false)), ErrorCode::NotFound);
            }
        }
        assert_eq!(code(wanted(&file, View, "original", false)), ErrorCode::Forbidden);
        assert_eq!(code(wanted(&file, Preview, "original", true)), ErrorCode::Forbidden);
        let bare = wanted(&file, Original, "original", false).unwrap();
        assert!(bare.is_stripped && bare.attachment && bare.variant == "stripped");
        assert_eq!((bare.content_type, bare.name.as_str()), ("image/png", "IMG_1.PNG"));
        let whole = wanted(&file, Staff, "original", false).unwrap();
        assert!(!whole.is_stripped && whole.attachment && whole.variant == "original");
    }

    #[test]
    fn variants_are_open_before_all_of_them_are_written_down() {
        let file = PhotoFile { variants: Vec::new(), ..file("a.jpg", PhotoState::Live) };
        for side in ["400", "1024", "2048"] {
            let shown = wanted(&file, MediaScope::View, side, false).unwrap();
            assert_eq!(shown.variant, side);
        }
        for never in ["0400", "800", "stripped", "mark"] {
            let refused = wanted(&file, MediaScope::View, never, false);
            assert_eq!(code(refused), ErrorCode::NotFound);
        }
    }

    #[test]
    fn what_is_not_shown_is_for_the_staff() {
        let at = |state, scope| wanted(&file("a.jpg", state), scope, "400", false);
        let viewers = [MediaScope::View, MediaScope::Preview, MediaScope::Original];
        for scope in viewers {
            assert_eq!(code(at(PhotoState::Hidden, scope)), ErrorCode::Gone);
            assert_eq!(code(at(PhotoState::Pending, scope)), ErrorCode::NotFound);
        }
        at(PhotoState::Hidden, MediaScope::Staff).unwrap();
        at(PhotoState::Pending, MediaScope::Staff).unwrap();
        let deleted = PhotoFile { state: None, ..file("a.jpg", PhotoState::Live) };
        assert_eq!(code(wanted(&deleted, MediaScope::Staff, "400", false)), ErrorCode::Gone);
    }
}
