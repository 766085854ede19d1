//! Builds the tree from the parser's events, and refuses what the formats do not need.

use granit_parser::{Event, Options, Parser, ScalarStyle, Span as Mark};

use super::{Content, Entry, MAX_BYTES, MAX_DEPTH, Node, Span, scalar};
use crate::diagnostic::{Mistake, Problems};

pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    let before = problems.len();
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, the limit is {MAX_BYTES}", text.len());
        problems.at(Span::default(), message);
        return None;
    }
    refuse_tabs(text, problems);
    let mut builder = Builder { problems, open: Vec::new(), root: None, documents: 0 };
    builder.run(text);
    let root = builder.root;
    if problems.len() > before {
        return None;
    }
    if root.is_none() {
        problems.at(Span { line: 1, column: 1, length: 1 }, "the file is empty");
    }
    root
}

/// YAML forbids tabs only where they indent; editors show them at any width, so none is allowed anywhere.
fn refuse_tabs(text: &str, problems: &mut Problems) {
    for (index, line) in text.lines().enumerate() {
        if let Some(before) = line.split_once('\t').map(|(before, _)| before) {
            let span = Span { line: index + 1, column: before.chars().count() + 1, length: 1 };
            problems.add(
                Mistake::at(span, "a tab character").help("indent with spaces; inside a double-quoted text write \\t"),
            );
        }
    }
}

/// A list or map that is not closed yet.
struct Open {
    span: Span,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<(String, Span)>),
}

struct Builder<'p> {
    problems: &'p mut Problems,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn run(&mut self, text: &str) {
        for event in Parser::new_from_str_with_options(text, options()) {
            match event {
                Ok((event, mark)) => {
                    if !self.event(event, &mark) {
                        return;
                    }
                }
                Err(error) => {
                    let at = error.marker();
                    let span = Span { line: at.line().max(1), column: at.col() + 1, length: 1 };
                    self.problems.at(span, format!("not well-formed YAML: {}", error.info()));
                    return;
                }
            }
        }
    }

    /// Takes one event; `false` when nothing after it is worth reading.
    fn event(&mut self, event: Event<'_>, mark: &Mark) -> bool {
        let span = span_of(mark);
        if event.anchor_id().is_some_and(|id| id != 0) && !event.is_alias() {
            self.problems.add(
                Mistake::at(span, "an anchor (`&`)")
                    .help("write the value out: what a file says must stand where it is read"),
            );
        }
        if let Some(tag) = event.tag() {
            self.problems.add(
                Mistake::at(span, format!("a tag (`{}`)", tag.original()))
                    .help("leave it out: the format says what a value is"),
            );
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.problems.add(
                        Mistake::at(span, "a second document")
                            .help("one file holds one document: make it a file of its own"),
                    );
                    return false;
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.problems.add(
                    Mistake::at(span, "an alias (`*`)")
                        .help("write the value out, or put it in quotes if it begins with `*`"),
                );
                self.put(Node { span, content: Content::Null });
            }
            Event::Scalar(text, style, ..) => {
                let content = match style {
                    ScalarStyle::Plain => scalar::resolve(&text),
                    _ => Content::Text(text.into_owned()),
                };
                self.put(Node { span, content });
            }
            Event::SequenceStart(..) => return self.begin(span, OpenKind::List(Vec::new())),
            Event::MappingStart(..) => return self.begin(span, OpenKind::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => {}
        }
        true
    }

    fn begin(&mut self, span: Span, kind: OpenKind) -> bool {
        if self.open.len() >= MAX_DEPTH {
            self.problems.at(span, format!("nested deeper than {MAX_DEPTH} levels"));
            return false;
        }
        self.open.push(Open { span, kind });
        true
    }

    fn end(&mut self) {
        let Some(Open { span, kind }) = self.open.pop() else {
            return;
        };
        let content = match kind {
            OpenKind::List(items) => Content::List(items),
            OpenKind::Map(entries, _) => Content::Map(entries),
        };
        self.put(Node { span, content });
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { kind: OpenKind::List(items), .. }) => items.push(node),
            Some(Open { kind: OpenKind::Map(entries, waiting), .. }) => match waiting.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, value: node }),
                None => *waiting = Some(key_of(node, entries, self.problems)),
            },
        }
    }
}

fn key_of(node: Node, entries: &[Entry], problems: &mut Problems) -> (String, Span) {
    let span = node.span;
    let key = match node.content {
        Content::Text(text) | Content::Number(_, text) => text,
        Content::Bool(it) => it.to_string(),
        Content::Null | Content::List(_) | Content::Map(_) => {
            problems.add(
                Mistake::at(span, "a key must be a text")
                    .help("text with `{` or `[` in front needs quotes: \"{{name}}\", as key and as value"),
            );
            return (String::new(), span);
        }
    };
    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
        problems.at(span, format!("the key `{key}` stands already on line {}", first.key_span.line));
    }
    (key, span)
}

fn options() -> Options {
    let mut options = granit_parser::options! {
        strict_indentation: true,
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    options.set_emit_comments(false);
    options
}

/// On its first line: a caret line shows no more.
fn span_of(mark: &Mark) -> Span {
    let length = if mark.end.line() == mark.start.line() { mark.end.col().saturating_sub(mark.start.col()) } else { 1 };
    Span { line: mark.start.line().max(1), column: mark.start.col() + 1, length: length.max(1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let mut problems = Problems::new("x.yaml");
        let tree = parse(text, &mut problems);
        assert_eq!(tree.is_none(), problems.len() > 0);
        problems.iter().map(|it| format!("{}:{} {}", it.line, it.column, it.message)).collect()
    }

    #[rstest]
    #[case("a: &x 1\nb: 2\n", &["1:7 an anchor (`&`)"])]
    #[case("a: 1\nb: *x\n", &["2:4 an alias (`*`)"])]
    #[case("a: !str 1\n", &["1:9 a tag (`!str`)"])]
    #[case("a: 1\nb: 2\na: 3\n", &["3:1 the key `a` stands already on line 1"])]
    #[case("a: 1\n---\nb: 2\n", &["2:1 a second document"])]
    #[case("a: 1 \t# x\n", &["1:6 a tab character"])]
    #[case("", &["1:1 the file is empty"])]
    #[case("[a]: 1\n", &["1:1 a key must be a text"])]
    fn what_the_formats_do_not_need_is_refused(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(messages(text), expected);
    }

    #[rstest]
    #[case("a: [1, 2\nb: 3\n")]
    #[case("%YAML 1.2\n---\na: 1\n")]
    #[case("a: 'x\n")]
    #[case("a: 1\n b: 2\n")]
    fn malformed_text_is_one_problem(#[case] text: &str) {
        let found = messages(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("not well-formed YAML: "), "{found:?}");
        assert!(!found[0].ends_with(": "), "{found:?}");
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(messages(&deep).len(), 1);
        let large = format!("a: {}\n", "x".repeat(MAX_BYTES));
        assert_eq!(messages(&large).len(), 1);
        let nested = format!("a: {}{}\n", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
        assert_eq!(messages(&nested), Vec::<String>::new());
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let text = "a:\n  - b: \"x y\"\n    c: {d: 1.10}\n";
        let tree = parse(text, &mut Problems::new("x.yaml")).unwrap();
        let item = &tree.get("a").unwrap().items()[0];
        let at = |line, column, length| Span { line, column, length };
        assert_eq!(item.key_span("b"), at(2, 5, 1));
        assert_eq!(item.value_span("b"), at(2, 8, 5));
        let d = item.get("c").unwrap().entry("d").unwrap();
        assert_eq!((d.key_span, d.value.span), (at(3, 9, 1), at(3, 12, 4)));
        assert!(matches!(&d.value.content, Content::Number(_, written) if written == "1.10"));
    }

    /// The same library's serde front end is the second opinion on every file of the project.
    #[test]
    fn the_tree_reads_as_serde_does() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testcases");
        let mut count = 0;
        for entry in walkdir::WalkDir::new(folder) {
            let path = entry.unwrap().into_path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let Some(tree) = parse(&text, &mut Problems::new("x.yaml")) else { continue };
            let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
            assert_eq!(tree.to_json(), value, "{}", path.display());
            count += 1;
        }
        assert!(count > 50, "the test cases are gone");
    }

    proptest! {
        #[test]
        fn any_text_is_a_tree_or_a_problem(text in "[ -~\n\t\u{e4}]{0,200}") {
            let mut problems = Problems::new("x.yaml");
            let tree = parse(&text, &mut problems);
            prop_assert_eq!(tree.is_none(), problems.len() > 0);
        }

        #[test]
        fn yaml_like_text_is_a_tree_or_a_problem(
            parts in prop::collection::vec(
                prop::sample::select(vec!["a", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ",", "\"", "'", "|", ">", "&x ", "*x", "!t ", "#", "?", "1.10", "---", "\t"]),
                0..60,
            )
        ) {
            let text = parts.concat();
            let mut problems = Problems::new("x.yaml");
            let tree = parse(&text, &mut problems);
            prop_assert_eq!(tree.is_none(), problems.len() > 0);
            for problem in problems.iter() {
                prop_assert!(problem.line >= 1 && problem.column >= 1 && problem.length >= 1);
            }
        }
    }
}
