//! From a text to the words that are indexed: letters and digits in lower case; where a script
//! writes without spaces, pairs of neighbouring characters.

/// Words longer than this are cut: nobody types them.
const WORD_CHARS_MAX: usize = 40;
/// Words of one text.
const WORDS_MAX: usize = 4_000;

/// A word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryWord {
    pub(super) word: String,
    /// Words that begin so are meant, too.
    pub(super) prefix: bool,
}

/// The words of a message, each once for every place.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in runs(text) {
        match run {
            Run::Word(word) => words.push(word),
            Run::Characters(characters) => {
                words.extend(characters.iter().map(char::to_string));
                words.extend(pairs(&characters));
            }
        }
        if words.len() >= WORDS_MAX {
            words.truncate(WORDS_MAX);
            break;
        }
    }
    words
}

/// The words of a query; the last one may be a beginning.
pub(super) fn of_query(text: &str) -> Vec<QueryWord> {
    let whole = |word| QueryWord { word, prefix: false };
    let mut words = Vec::new();
    for run in runs(text) {
        match run {
            Run::Word(word) => words.push(whole(word)),
            Run::Characters(characters) if characters.len() == 1 => {
                words.extend(characters.iter().map(char::to_string).map(whole));
            }
            Run::Characters(characters) => words.extend(pairs(&characters).map(whole)),
        }
    }
    let ends_open = text.chars().next_back().is_some_and(char::is_alphanumeric);
    if let Some(last) = words.last_mut()
        && ends_open
        && !last.word.chars().all(is_unspaced)
    {
        last.prefix = true;
    }
    words
}

enum Run {
    /// Letters and digits up to the next space or sign.
    Word(String),
    /// Characters of a script without spaces.
    Characters(Vec<char>),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut word = String::new();
    let mut characters = Vec::new();
    for c in text.chars().flat_map(char::to_lowercase).chain([' ']) {
        let (unspaced, letter) = (is_unspaced(c), c.is_alphanumeric());
        if (unspaced || !letter) && !word.is_empty() {
            runs.push(Run::Word(word.chars().take(WORD_CHARS_MAX).collect()));
            word.clear();
        }
        if !unspaced && !characters.is_empty() {
            runs.push(Run::Characters(std::mem::take(&mut characters)));
        }
        if unspaced {
            characters.push(c);
        } else if letter {
            word.push(c);
        }
    }
    runs
}

fn pairs(characters: &[char]) -> impl Iterator<Item = String> {
    characters.windows(2).map(|pair| pair.iter().collect())
}

/// Chinese, Japanese, Korean syllables, Thai, Lao, Khmer and Burmese.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF
        | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x2_0000..=0x3_134F)
        && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_texts() {
        assert_eq!(of_text("Hello, World! it's 42."), ["hello", "world", "it", "s", "42"]);
        assert_eq!(
            of_text("我喜欢照片 ok"),
            ["我", "喜", "欢", "照", "片", "我喜", "喜欢", "欢照", "照片", "ok"]
        );
        assert_eq!(of_text("GRÜẞE"), ["grüße"]);
        assert!(of_text("😀 … --").is_empty());
        assert_eq!(of_text(&"ab ".repeat(10_000)).len(), WORDS_MAX);
    }

    #[test]
    fn words_of_queries() {
        let shown = |text: &str| -> Vec<String> {
            let star = |word: QueryWord| word.word + if word.prefix { "*" } else { "" };
            of_query(text).into_iter().map(star).collect()
        };
        assert_eq!(shown("Hello wor"), ["hello", "wor*"]);
        assert_eq!(shown("Hello wor "), ["hello", "wor"]);
        assert_eq!(shown("照片"), ["照片"]);
        assert_eq!(shown("照"), ["照"]);
        assert_eq!(shown("喜欢照"), ["喜欢", "欢照"]);
        assert!(shown("\"*()").is_empty());
    }
}
