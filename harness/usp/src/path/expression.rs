//! Expressions in square brackets: rows by unique key, or a search.

use std::fmt;

use super::Follow;

/// `[component&&component…]`, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Expression(pub(super) Vec<Component>);

/// One comparison of a Parameter with a constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Component {
    /// The Parameter, relative to the row; never empty.
    pub parameter: Vec<Step>,
    /// The comparison.
    pub operator: Operator,
    /// The constant.
    pub value: Value,
    /// Whether spaces stand around the operator or the component.
    pub spaced: bool,
}

/// One name of a component's relative path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step {
    /// The name.
    pub name: String,
    /// How its reference is followed, if it is.
    pub follow: Option<Follow>,
}

/// How a Parameter is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `~=`: a comma-separated list has the item.
    Contains,
    /// `<=`
    LessOrEqual,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
}

/// The constant of a component.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// In quotes; kept as written, with `%22` and `%25` for a quote and a percent sign.
    Literal(String),
    /// A number in the grammar's form, kept as written.
    Number(String),
    /// Neither: the grammar does not have it, real paths do.
    Unquoted(String),
}

impl Expression {
    /// The comparisons, all of which a row must meet.
    pub fn components(&self) -> &[Component] {
        &self.0
    }
}

impl Operator {
    /// Every operator; none is the beginning of one that comes later.
    pub const ALL: [Self; 7] = [
        Self::Equal,
        Self::NotEqual,
        Self::Contains,
        Self::LessOrEqual,
        Self::GreaterOrEqual,
        Self::Less,
        Self::Greater,
    ];

    /// As it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Contains => "~=",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::Greater => ">",
        }
    }
}

impl Value {
    /// A literal for any text: quotes and percent signs are escaped.
    pub fn literal(text: &str) -> Self {
        Self::Literal(text.replace('%', "%25").replace('"', "%22"))
    }

    /// The text that a Parameter's value is compared with. Only `%22` and `%25` are escapes.
    pub fn text(&self) -> String {
        match self {
            Self::Literal(raw) => raw.replace("%22", "\"").replace("%25", "%"),
            Self::Number(text) | Self::Unquoted(text) => text.clone(),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (position, component) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("&&")?;
            }
            write!(f, "{component}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.parameter.iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            f.write_str(&step.name)?;
            if let Some(follow) = step.follow {
                write!(f, "{follow}")?;
            }
        }
        let space = if self.spaced { " " } else { "" };
        write!(f, "{space}{}{space}{}", self.operator.symbol(), self.value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(raw) => write!(f, "\"{raw}\""),
            Self::Number(text) | Self::Unquoted(text) => f.write_str(text),
        }
    }
}
