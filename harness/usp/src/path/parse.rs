//! The parser of both path grammars: one pass, no recursion, so no text can exhaust it.

use super::{
    Component, Expression, Follow, Operator, Path, PathError, PathKind, Segment, Step, SupportedPath, SupportedSegment,
    Value,
};

const NAME: &str = "a name";
const OPERATOR: &str = "one of == != ~= < > <= >=";

pub(super) fn instantiated(text: &str) -> Result<Path, PathError> {
    let mut parser = Parser { text, rest: text };
    // The first name is the root, which has no rows of its own.
    let mut segments = vec![Segment::Name(parser.name()?)];
    parser.expect('.', "a dot after the root")?;
    loop {
        if parser.at_end() {
            return Ok(Path { segments, kind: PathKind::Object });
        }
        let rows_follow = segments.len() > 1 && matches!(segments.last(), Some(Segment::Name(_)));
        let segment = match parser.peek() {
            Some('*' | '[' | '1'..='9') if rows_follow => parser.instance()?,
            _ => {
                let name = parser.name_or(if rows_follow { "a name or an Instance Identifier" } else { NAME })?;
                parser
                    .follow()?
                    .map_or_else(|| Segment::Name(name.clone()), |follow| Segment::Follow(name.clone(), follow))
            }
        };
        let ends = if matches!(segment, Segment::Name(_)) { parser.ending() } else { None };
        segments.push(segment);
        if let Some(kind) = ends {
            parser.expect_end()?;
            return Ok(Path { segments, kind });
        }
        parser.expect('.', "a dot")?;
    }
}

pub(super) fn supported(text: &str) -> Result<SupportedPath, PathError> {
    let mut parser = Parser { text, rest: text };
    let mut segments = vec![SupportedSegment::Name(parser.name()?)];
    parser.expect('.', "a dot after the root")?;
    loop {
        if parser.at_end() {
            return Ok(SupportedPath::new(segments, PathKind::Object));
        }
        let rows_follow = segments.len() > 1 && matches!(segments.last(), Some(SupportedSegment::Name(_)));
        let segment = if rows_follow && parser.take("{i}") {
            SupportedSegment::Placeholder
        } else if rows_follow && matches!(parser.peek(), Some('1'..='9')) {
            SupportedSegment::Instance(parser.positive()?)
        } else {
            SupportedSegment::Name(parser.name_or(if rows_follow { "a name or {i}" } else { NAME })?)
        };
        let ends = if matches!(segment, SupportedSegment::Name(_)) { parser.ending() } else { None };
        segments.push(segment);
        if let Some(kind) = ends {
            parser.expect_end()?;
            return Ok(SupportedPath::new(segments, kind));
        }
        parser.expect('.', "a dot")?;
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Parser<'_> {
    fn instance(&mut self) -> Result<Segment, PathError> {
        match self.peek() {
            Some('*') => {
                self.expect('*', "*")?;
                Ok(Segment::Wildcard)
            }
            Some('[') => self.expression().map(Segment::Expression),
            _ => self.positive().map(Segment::Instance),
        }
    }

    fn expression(&mut self) -> Result<Expression, PathError> {
        self.expect('[', "[")?;
        let mut components = Vec::new();
        loop {
            components.push(self.component()?);
            if self.take("]") {
                return Ok(Expression(components));
            }
            if !self.take("&&") {
                return Err(self.error("&& or ]"));
            }
        }
    }

    fn component(&mut self) -> Result<Component, PathError> {
        let mut spaced = self.spaces();
        let mut parameter = Vec::new();
        loop {
            let name = self.name_or("a Parameter of the row")?;
            let follow = self.follow()?;
            parameter.push(Step { name, follow });
            if !self.take(".") {
                break;
            }
        }
        // A reference alone is an Object, and Objects have no value to compare.
        if parameter.last().is_some_and(|step| step.follow.is_some()) {
            return Err(self.error("a dot and the Parameter of the referenced Object"));
        }
        spaced |= self.spaces();
        let operator = Operator::ALL.into_iter().find(|operator| self.take(operator.symbol()));
        let operator = operator.ok_or_else(|| self.error(OPERATOR))?;
        spaced |= self.spaces();
        let value = self.value()?;
        spaced |= self.spaces();
        Ok(Component { parameter, operator, value, spaced })
    }

    fn value(&mut self) -> Result<Value, PathError> {
        if self.take("\"") {
            let literal = self.take_while(|character| character != '"').to_owned();
            self.expect('"', "the closing quote")?;
            return Ok(Value::Literal(literal));
        }
        let start = self.rest;
        let text =
            self.take_while(|character| !matches!(character, ']' | '[' | '&' | '"' | '=' | '<' | '>' | ' ' | '\t'));
        if text.is_empty() {
            self.rest = start;
            return Err(self.error("a constant"));
        }
        Ok(if is_number(text) { Value::Number(text.to_owned()) } else { Value::Unquoted(text.to_owned()) })
    }

    fn follow(&mut self) -> Result<Option<Follow>, PathError> {
        if self.take("+") {
            return Ok(Some(Follow::First));
        }
        if !self.take("#") {
            return Ok(None);
        }
        let follow = if self.take("*") { Follow::All } else { Follow::Item(self.positive()?) };
        self.expect('+', "+")?;
        Ok(Some(follow))
    }

    /// The kind of the path, if it may end behind the name that was just read.
    fn ending(&mut self) -> Option<PathKind> {
        if self.at_end() {
            Some(PathKind::Parameter)
        } else if self.take("()") {
            Some(PathKind::Command)
        } else if self.take("!") {
            Some(PathKind::Event)
        } else {
            None
        }
    }

    fn name(&mut self) -> Result<String, PathError> {
        self.name_or(NAME)
    }

    fn name_or(&mut self, expected: &'static str) -> Result<String, PathError> {
        if !self.peek().is_some_and(|first| first.is_ascii_alphabetic() || first == '_') {
            return Err(self.error(expected));
        }
        // TR-106 lets a name go on with hyphens, which the prefixes of vendors have; the grammar in TR-369 leaves them out (R-ARC.7).
        Ok(self.take_while(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-')).to_owned())
    }

    fn positive(&mut self) -> Result<u64, PathError> {
        let start = self.rest;
        let digits = self.take_while(|character| character.is_ascii_digit());
        match digits.parse() {
            Ok(number) if !digits.starts_with('0') => Ok(number),
            _ => {
                self.rest = start;
                Err(self.error("a number from 1 on, of at most 64 bits"))
            }
        }
    }

    fn spaces(&mut self) -> bool {
        !self.take_while(|character| matches!(character, ' ' | '\t')).is_empty()
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn expect_end(&self) -> Result<(), PathError> {
        if self.at_end() { Ok(()) } else { Err(self.error("the end of the path")) }
    }

    fn expect(&mut self, character: char, expected: &'static str) -> Result<(), PathError> {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.error(expected)),
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|character| !fits(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn error(&self, expected: &'static str) -> PathError {
        let offset = self.text.chars().count().saturating_sub(self.rest.chars().count());
        let found = self.peek().map_or_else(|| "the end".to_owned(), |character| format!("{character:?}"));
        PathError { text: self.text.to_owned(), offset, expected, found }
    }
}

/// `'0' | ( '-'? posnum )`; `08`, `+1` and `1.5` are no numbers of the grammar.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text == "0" || (!digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
