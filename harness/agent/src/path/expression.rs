//! Search expressions (TR-369 "Searching with Expressions"): their grammar, and whether one holds for an instance.

use super::parse::{self, Which};
use crate::errors::{Failure, code};
use crate::model::{Base, Model, ObjectId, ParamDef, value};
use crate::store::{RowKey, Store};
use std::cmp::Ordering;

/// One comparison of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The Parameter, relative to the table's Object.
    pub subject: Vec<Part>,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub constant: Constant,
}

/// One name of a relative path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An Object or, at the end, a Parameter.
    Name(String),
    /// A reference that is followed.
    Reference(String, Which),
}

/// The comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `~=`, for lists
    Contains,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `>`
    Greater,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// Text that stood in double quotes.
    Quoted(String),
    /// A number, boolean or time that stood without quotes.
    Bare(String),
}

/// Operators by their text, the longer ones first where one begins with another.
const OPERATORS: [(&str, Operator); 7] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("~=", Operator::Contains),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// Reads what stands between the brackets.
pub fn parse(inner: &str) -> Result<Vec<Component>, Failure> {
    split_and(inner).into_iter().map(component).collect()
}

/// Splits at each `&&` outside quotes.
fn split_and(inner: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut quoted) = (Vec::new(), 0, false);
    let bytes = inner.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let pair = bytes.get(at..at.saturating_add(2));
        if *byte == b'"' {
            quoted = !quoted;
        } else if !quoted && at >= start && pair == Some(b"&&") {
            pieces.push(inner.get(start..at).unwrap_or_default());
            start = at.saturating_add(2);
        }
    }
    pieces.push(inner.get(start..).unwrap_or_default());
    pieces
}

fn component(text: &str) -> Result<Component, Failure> {
    let at = text.find(['=', '!', '~', '<', '>']).ok_or_else(|| syntax(text))?;
    let (subject, rest) = text.split_at_checked(at).ok_or_else(|| syntax(text))?;
    let known = OPERATORS.iter().find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)));
    let (operator, constant) = known.ok_or_else(|| syntax(text))?;
    Ok(Component { subject: self::subject(subject.trim())?, operator, constant: self::constant(constant.trim())? })
}

fn subject(text: &str) -> Result<Vec<Part>, Failure> {
    let part = |piece: &str| match parse::follow(piece)? {
        Some((name, which)) => Ok(Part::Reference(name, which)),
        None if parse::is_name(piece) => Ok(Part::Name(piece.to_owned())),
        None => Err(syntax(text)),
    };
    let parts = text.split('.').map(part).collect::<Result<Vec<_>, _>>()?;
    if matches!(parts.last(), Some(Part::Name(_))) { Ok(parts) } else { Err(syntax(text)) }
}

fn constant(text: &str) -> Result<Constant, Failure> {
    if let Some(rest) = text.strip_prefix('"') {
        let literal = rest.strip_suffix('"').filter(|literal| !literal.contains('"')).ok_or_else(|| syntax(text))?;
        return unescape(literal).map(Constant::Quoted).ok_or_else(|| syntax(text));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b':');
    if !text.is_empty() && text.bytes().all(plain) { Ok(Constant::Bare(text.to_owned())) } else { Err(syntax(text)) }
}

/// Undoes the percent-escapes of a quoted text.
fn unescape(literal: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(literal.len());
    let mut rest = literal.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Finds the Parameter that `component` compares, starting at an instance of `object`, and checks that operator and constant
/// suit its type: 7026 when the model has no such Parameter, 7008 when the comparison is none of TR-369's.
pub fn check(component: &Component, object: ObjectId, model: &Model) -> Result<(), Failure> {
    let mut here = object;
    let (last, before) = component.subject.split_last().ok_or_else(|| syntax(""))?;
    for part in before {
        here = match part {
            Part::Name(name) => model.child(here, name).ok_or_else(|| unknown(name))?,
            Part::Reference(name, _) => referenced(model, here, name)?,
        };
        if matches!(part, Part::Name(_)) && model.object(here).multi {
            return Err(Failure::new(code::INVALID_PATH_SYNTAX, "an expression may not reach into a table"));
        }
    }
    let (Part::Name(name) | Part::Reference(name, _)) = last;
    let param = model.object(here).param(name).ok_or_else(|| unknown(name))?;
    if suits(component, param) {
        Ok(())
    } else {
        Err(Failure::new(code::INVALID_PATH_SYNTAX, format!("operator or constant does not suit the type of {name}")))
    }
}

/// The table that a reference Parameter refers to.
pub fn referenced(model: &Model, object: ObjectId, name: &str) -> Result<ObjectId, Failure> {
    let target = model.object(object).param(name).and_then(|param| param.references.as_deref());
    target.and_then(|path| model.find(path)).ok_or_else(|| unknown(name))
}

fn suits(component: &Component, param: &ParamDef) -> bool {
    let (Constant::Quoted(text) | Constant::Bare(text)) = &component.constant;
    let quoted = matches!(component.constant, Constant::Quoted(_));
    let right_form = match param.base {
        Base::String | Base::Base64 | Base::HexBinary => quoted,
        Base::DateTime => true,
        _ => !quoted,
    };
    let equality = matches!(component.operator, Operator::Equal | Operator::NotEqual);
    let right_operator = match param.base {
        _ if param.list => equality || component.operator == Operator::Contains,
        Base::String | Base::Boolean | Base::Base64 | Base::HexBinary => equality,
        Base::DateTime if text == value::UNKNOWN_TIME => equality,
        _ => component.operator != Operator::Contains,
    };
    right_form && right_operator && value::compare(param.base, text, text).is_some()
}

/// Whether `component`, checked before, holds for an instance.
pub fn holds(component: &Component, row: &RowKey, store: &Store) -> bool {
    let mut rows = vec![row.clone()];
    let Some((last, before)) = component.subject.split_last() else { return false };
    for part in before {
        rows = rows.iter().flat_map(|row| enter(part, row, store)).collect();
    }
    let (Part::Name(name) | Part::Reference(name, _)) = last;
    rows.iter().any(|row| compare(component, row, name, store))
}

fn enter(part: &Part, row: &RowKey, store: &Store) -> Vec<RowKey> {
    match part {
        Part::Name(name) => {
            let child = store.model().child(row.object, name);
            child.map(|object| RowKey { object, instances: row.instances.clone() }).into_iter().collect()
        }
        Part::Reference(name, which) => follow(row, name, *which, store),
    }
}

/// The rows that a reference Parameter refers to.
pub fn follow(row: &RowKey, name: &str, which: Which, store: &Store) -> Vec<RowKey> {
    let text = store.text(row, name);
    let items = value::items(text).into_iter();
    let chosen: Vec<&str> = match which {
        Which::All => items.collect(),
        Which::Item(number) => items.skip(number.saturating_sub(1)).take(1).collect(),
    };
    let target = |item: &str| RowKey::parse(item, store.model()).filter(|target| store.contains(target));
    chosen.into_iter().filter_map(target).collect()
}

fn compare(component: &Component, row: &RowKey, name: &str, store: &Store) -> bool {
    let (Some(param), Some(actual)) = (store.definition(row, name), store.read(row, name)) else { return false };
    let (Constant::Quoted(wanted) | Constant::Bare(wanted)) = &component.constant;
    // A reference means the same with and without the closing dot.
    let wanted = if param.references.is_some() { wanted.strip_suffix('.').unwrap_or(wanted) } else { wanted };
    if component.operator == Operator::Contains {
        return value::items(&actual)
            .into_iter()
            .any(|item| value::compare(param.base, item, wanted) == Some(Ordering::Equal));
    }
    let base = if param.list { Base::String } else { param.base };
    value::compare(base, &actual, wanted).is_some_and(|order| match component.operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::Greater => order.is_gt(),
        Operator::AtMost => order.is_le(),
        Operator::AtLeast => order.is_ge(),
        Operator::Contains => false,
    })
}

fn syntax(text: &str) -> Failure {
    Failure::new(code::INVALID_PATH_SYNTAX, format!("not a search expression: {text:?}"))
}

fn unknown(name: &str) -> Failure {
    Failure::new(code::INVALID_PATH, format!("the expression names {name}, which the data model does not have"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn setup() -> (Store, RowKey) {
        let mut store = Store::new(Model::device().unwrap());
        let controller = store.create(store.model().find("Device.LocalAgent.Controller.{i}.").unwrap(), &[]);
        store.set(&controller, "EndpointID", "self::c");
        let row = store.create(store.model().find("Device.LocalAgent.Subscription.{i}.").unwrap(), &[]);
        for (name, value) in [
            ("Enable", "true"),
            ("ID", "a\"b%"),
            ("NotifExpiration", "10"),
            ("ReferenceList", "x,y"),
            ("CreationDate", "2020-01-01T00:00:00Z"),
            ("Recipient", "Device.LocalAgent.Controller.1"),
        ] {
            store.set(&row, name, value);
        }
        (store, row)
    }

    #[rstest]
    #[case("Enable==true", true)]
    #[case("Enable==1", true)]
    #[case("Enable!=true", false)]
    #[case("Enable == true", true)]
    #[case("NotifExpiration>9", true)]
    #[case("NotifExpiration>10", false)]
    #[case("NotifExpiration>=10", true)]
    #[case("NotifExpiration<9", false)]
    #[case("NotifExpiration<=+010", true)]
    #[case("NotifExpiration!=9", true)]
    #[case("NotifExpiration==10&&Enable==false", false)]
    #[case(r#"ID=="a%22b%25""#, true)]
    #[case(r#"ID!="other""#, true)]
    #[case(r#"ReferenceList~="y""#, true)]
    #[case(r#"ReferenceList~="z""#, false)]
    #[case(r#"ReferenceList=="x,y""#, true)]
    #[case("CreationDate<2021-01-01T00:00:00Z", true)]
    #[case(r#"Recipient=="Device.LocalAgent.Controller.1.""#, true)]
    #[case(r#"Recipient+.EndpointID=="self::c""#, true)]
    #[case(r#"Recipient#2+.EndpointID=="self::c""#, false)]
    fn outcome(#[case] text: &str, #[case] expected: bool) {
        let (store, row) = setup();
        let components = parse(text).unwrap();
        for component in &components {
            check(component, row.object, store.model()).unwrap();
        }
        assert_eq!(components.iter().all(|component| holds(component, &row, &store)), expected);
    }

    #[rstest]
    #[case("", code::INVALID_PATH_SYNTAX)]
    #[case("Enable", code::INVALID_PATH_SYNTAX)]
    #[case("Enable=true", code::INVALID_PATH_SYNTAX)]
    #[case("Enable==", code::INVALID_PATH_SYNTAX)]
    #[case(r#"Enable=="true""#, code::INVALID_PATH_SYNTAX)]
    #[case("Enable==maybe", code::INVALID_PATH_SYNTAX)]
    #[case("ID==plain", code::INVALID_PATH_SYNTAX)]
    #[case(r#"ID>"a""#, code::INVALID_PATH_SYNTAX)]
    #[case("NotifExpiration~=1", code::INVALID_PATH_SYNTAX)]
    #[case("CreationDate<0001-01-01T00:00:00Z", code::INVALID_PATH_SYNTAX)]
    #[case("Nothing==1", code::INVALID_PATH)]
    #[case("Recipient+.BootParameter.Enable==true", code::INVALID_PATH_SYNTAX)]
    #[case("Enable==true&&", code::INVALID_PATH_SYNTAX)]
    fn refused(#[case] text: &str, #[case] expected: u32) {
        let (store, row) = setup();
        let outcome =
            parse(text).and_then(|components| components.iter().try_for_each(|c| check(c, row.object, store.model())));
        assert_eq!(outcome.unwrap_err().code, expected);
    }
}
