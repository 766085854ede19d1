//! The grammar of Path Names. It is a little more lenient than TR-369's: the closing dot of an Object Path may be missing, and
//! white space around the operators of an expression is tolerated (R-ARC.9a).

use super::expression::{self, Component};
use crate::errors::{Failure, code};

/// Longest Path Name taken: ReferenceList items end at 256 characters, Search Paths in requests can be several times that.
const LONGEST: usize = 4096;

/// A Path Name in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// From the root Object on.
    pub steps: Vec<Step>,
    /// What it ends in.
    pub leaf: Leaf,
}

/// One part on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The Object of that name.
    Name(String),
    /// The Object that the reference Parameter of that name refers to (`Name+`, `Name#2+`, `Name#*+`).
    Reference(String, Which),
    /// The instance of that number.
    Instance(u32),
    /// Every instance (`*`).
    Any,
    /// The instances for which all components hold (`[...]`).
    Matching(Vec<Component>),
}

/// Which item of a list of references is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The item of that number, counted from 1.
    Item(usize),
    /// All items.
    All,
}

/// What a Path Name ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    /// An Object, a table or an instance.
    Object,
    /// A Parameter.
    Param(String),
    /// A Command; the name has its parentheses.
    Command(String),
    /// An Event; the name has its exclamation mark.
    Event(String),
}

impl Path {
    /// Reads a Path Name; 7008 when it does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.len() > LONGEST {
            return Err(Failure::new(code::INVALID_PATH_SYNTAX, "the path is too long"));
        }
        let mut pieces = split(text)?;
        let last = pieces.pop().unwrap_or_default();
        let mut steps = pieces.into_iter().map(step).collect::<Result<Vec<_>, _>>()?;
        let leaf = leaf(last, &mut steps)?;
        let starts_with_name = matches!((steps.first(), &leaf), (Some(Step::Name(_)), _));
        let identifiers_follow_names = steps.windows(2).all(|pair| match pair {
            [before, Step::Instance(_) | Step::Any | Step::Matching(_)] => matches!(before, Step::Name(_)),
            _ => true,
        });
        if starts_with_name && identifiers_follow_names { Ok(Self { steps, leaf }) } else { Err(syntax(text)) }
    }

    /// Whether it searches instead of addressing: it has a wildcard or an expression.
    pub fn is_search(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Any | Step::Matching(_) | Step::Reference(_, Which::All)))
    }

    /// The same path where an Object is meant: a name without the closing dot is an Object's.
    #[must_use]
    pub fn into_object(mut self) -> Self {
        if let Leaf::Param(name) = self.leaf {
            self.steps.push(Step::Name(name));
            self.leaf = Leaf::Object;
        }
        self
    }
}

/// Splits at the dots that stand outside brackets.
fn split(text: &str) -> Result<Vec<&str>, Failure> {
    let (mut pieces, mut start, mut bracketed, mut quoted) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            '"' if bracketed => quoted = !quoted,
            '[' if !quoted && !bracketed => bracketed = true,
            ']' if !quoted && bracketed => bracketed = false,
            '.' if !bracketed => {
                pieces.push(text.get(start..at).unwrap_or_default());
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    if bracketed || quoted { Err(syntax(text)) } else { Ok(pieces) }
}

fn step(piece: &str) -> Result<Step, Failure> {
    if piece == "*" {
        return Ok(Step::Any);
    }
    if let Some(inner) = piece.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or_else(|| syntax(piece))?;
        return Ok(Step::Matching(expression::parse(inner)?));
    }
    if let Some(number) = positive(piece) {
        return Ok(Step::Instance(number));
    }
    if let Some((name, which)) = follow(piece)? {
        return Ok(Step::Reference(name, which));
    }
    if is_name(piece) { Ok(Step::Name(piece.to_owned())) } else { Err(syntax(piece)) }
}

fn leaf(last: &str, steps: &mut Vec<Step>) -> Result<Leaf, Failure> {
    if last.is_empty() {
        return Ok(Leaf::Object);
    }
    if let Some(name) = last.strip_suffix("()").filter(|name| is_name(name)) {
        return Ok(Leaf::Command(format!("{name}()")));
    }
    if let Some(name) = last.strip_suffix('!').filter(|name| is_name(name)) {
        return Ok(Leaf::Event(format!("{name}!")));
    }
    if is_name(last) && !steps.is_empty() {
        return Ok(Leaf::Param(last.to_owned()));
    }
    steps.push(step(last)?);
    Ok(Leaf::Object)
}

/// `Name+`, `Name#3+` or `Name#*+`.
pub(super) fn follow(piece: &str) -> Result<Option<(String, Which)>, Failure> {
    let Some(reference) = piece.strip_suffix('+') else { return Ok(None) };
    let (name, which) = match reference.split_once('#') {
        None => (reference, Which::Item(1)),
        Some((name, "*")) => (name, Which::All),
        Some((name, item)) => {
            let item = positive(item).and_then(|item| usize::try_from(item).ok()).ok_or_else(|| syntax(piece))?;
            (name, Which::Item(item))
        }
    };
    if is_name(name) { Ok(Some((name.to_owned(), which))) } else { Err(syntax(piece)) }
}

/// A name: a letter or underscore, then letters, digits and underscores.
pub(super) fn is_name(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A positive integer without sign or leading zero.
pub fn positive(text: &str) -> Option<u32> {
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn syntax(text: &str) -> Failure {
    Failure::new(code::INVALID_PATH_SYNTAX, format!("not a Path Name: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Device.", 1, Leaf::Object)]
    #[case("Device.LocalAgent.EndpointID", 2, Leaf::Param("EndpointID".to_owned()))]
    #[case("Device.LocalAgent.MTP.1.", 4, Leaf::Object)]
    #[case("Device.LocalAgent.MTP.1", 4, Leaf::Object)]
    #[case("Device.LocalAgent.MTP.*.Alias", 4, Leaf::Param("Alias".to_owned()))]
    #[case("Device.Reboot()", 1, Leaf::Command("Reboot()".to_owned()))]
    #[case("Device.LocalAgent.Periodic!", 2, Leaf::Event("Periodic!".to_owned()))]
    #[case(r#"Device.LocalAgent.MTP.[Alias=="a.b]"&&Enable==true]."#, 4, Leaf::Object)]
    #[case("Device.LocalAgent.Subscription.1.Recipient+.Alias", 5, Leaf::Param("Alias".to_owned()))]
    #[case("Device.LocalAgent.Controller.1.AssignedRole#2+.Name", 5, Leaf::Param("Name".to_owned()))]
    fn well_formed(#[case] text: &str, #[case] steps: usize, #[case] leaf: Leaf) {
        let path = Path::parse(text).unwrap();
        assert_eq!((path.steps.len(), path.leaf), (steps, leaf));
    }

    #[rstest]
    #[case("")]
    #[case(".")]
    #[case("Device..LocalAgent.")]
    #[case("Device.LocalAgent.MTP.0.")]
    #[case("Device.LocalAgent.MTP.01.")]
    #[case("Device.LocalAgent.MTP.{i}.")]
    #[case("Device.LocalAgent.MTP.1.2.")]
    #[case("Device.LocalAgent.MTP.[].")]
    #[case("Device.LocalAgent.MTP.[Alias==\"a\".")]
    #[case("Device.LocalAgent.MTP.{Alias==\"a\"}.Enable")]
    #[case("Device.Local Agent.")]
    #[case("1.2.")]
    #[case("Device.Reboot()x")]
    fn malformed(#[case] text: &str) {
        assert_eq!(Path::parse(text).unwrap_err().code, code::INVALID_PATH_SYNTAX);
    }

    #[test]
    fn never_panics_on_odd_text() {
        for text in [
            "[",
            "]",
            "\"",
            "Device.[\"",
            "Device.é.ü",
            "Device.[é==\"ü\"].",
            "Device.#+.",
            "Device.A#+.B",
            "+",
            "!",
            "()",
        ] {
            let _ = Path::parse(text);
        }
    }
}
