//! Topic Names, Topic Filters, and the reply-to that MQTT 3.1.1 carries in a Topic Name.

/// How a shared subscription begins (MQTT 5.0 section 4.8.2).
pub(crate) const SHARE: &str = "$share/";

/// What stands before the reply-to in a Topic Name (R-MQTT.24).
const REPLY_TO: &str = "/reply-to=";

/// Whether a text is a Topic Name; the error says what is wrong.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.contains(['+', '#']) {
        return Err("it contains a wildcard");
    }
    if name.contains('\0') { Err("it contains U+0000") } else { Ok(()) }
}

/// Whether a text is a Topic Filter; the error says what is wrong.
pub(crate) fn check_filter(filter: &str) -> Result<(), &'static str> {
    let filter = match filter.strip_prefix(SHARE) {
        Some(rest) => match rest.split_once('/') {
            Some((group, _)) if group.is_empty() || group.contains(['+', '#']) => {
                return Err("its share name is empty or contains a wildcard");
            }
            Some((_, filter)) => filter,
            None => return Err("nothing follows its share name"),
        },
        None => filter,
    };
    if filter.is_empty() {
        return Err("it is empty");
    }
    if filter.contains('\0') {
        return Err("it contains U+0000");
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Err("# must be the whole of the last level");
        }
        if level.contains('+') && level != "+" {
            return Err("+ must be a whole level");
        }
    }
    Ok(())
}

/// Share name and filter of a shared subscription.
pub(crate) fn shared(filter: &str) -> Option<(&str, &str)> {
    filter.strip_prefix(SHARE)?.split_once('/')
}

/// Whether a filter has wildcards.
pub(crate) fn has_wildcard(filter: &str) -> bool {
    filter.contains(['+', '#'])
}

/// Whether a Topic Name matches a Topic Filter (section 4.7). A shared subscription's filter counts without its share name.
pub fn matches(filter: &str, name: &str) -> bool {
    let filter = shared(filter).map_or(filter, |(_, filter)| filter);
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut levels, mut wanted) = (name.split('/'), filter.split('/'));
    loop {
        match (wanted.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// Whether everything that matches `narrow` matches `wide` as well.
pub(crate) fn includes(wide: &str, narrow: &str) -> bool {
    if wide.starts_with(['+', '#']) && narrow.starts_with('$') {
        return false;
    }
    let (mut wide, mut narrow) = (wide.split('/'), narrow.split('/'));
    loop {
        match (wide.next(), narrow.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// A filter without its levels from the first wildcard on; none if nothing is left.
pub(crate) fn without_wildcards(filter: &str) -> Option<String> {
    let filter = shared(filter).map_or(filter, |(_, filter)| filter);
    let levels: Vec<_> = filter.split('/').take_while(|level| !has_wildcard(level)).collect();
    Some(levels.join("/")).filter(|topic| !topic.is_empty())
}

/// Whether `name` is `topic` or lies below it.
pub(crate) fn is_at_or_below(name: &str, topic: &str) -> bool {
    name.strip_prefix(topic).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A Topic Name without its reply-to, and the reply-to with its slashes again (R-MQTT.25). The last `/reply-to=` counts.
pub(crate) fn split_reply_to(name: &str) -> (&str, Option<String>) {
    match name.rsplit_once(REPLY_TO) {
        Some((topic, reply_to)) => (topic, Some(reply_to.replace("%2F", "/"))),
        None => (name, None),
    }
}

/// A Topic Name with a reply-to behind it (R-MQTT.24).
pub(crate) fn with_reply_to(topic: &str, reply_to: &str) -> String {
    format!("{topic}{REPLY_TO}{}", reply_to.replace('/', "%2F"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    // The specification's own examples (section 4.7), and the borders of them.
    #[case("sport/tennis/player1/#", "sport/tennis/player1", true)]
    #[case("sport/tennis/player1/#", "sport/tennis/player1/ranking", true)]
    #[case("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true)]
    #[case("sport/#", "sport", true)]
    #[case("sport/#", "sports", false)]
    #[case("#", "a/b", true)]
    #[case("sport/tennis/+", "sport/tennis/player1", true)]
    #[case("sport/tennis/+", "sport/tennis/player1/ranking", false)]
    #[case("sport/+", "sport", false)]
    #[case("sport/+", "sport/", true)]
    #[case("+/+", "/finance", true)]
    #[case("/+", "/finance", true)]
    #[case("+", "/finance", false)]
    #[case("#", "$SYS/x", false)]
    #[case("+/monitor", "$SYS/monitor", false)]
    #[case("$SYS/#", "$SYS/monitor", true)]
    #[case("$SYS/monitor/+", "$SYS/monitor/clients", true)]
    #[case("a", "a/", false)]
    #[case("a/", "a", false)]
    #[case("A", "a", false)]
    #[case("a/+/c", "a//c", true)]
    #[case("$share/group/a/+", "a/b", true)]
    #[case("$share/group/#", "$SYS/x", false)]
    fn filters_match_as_specified(#[case] filter: &str, #[case] name: &str, #[case] expected: bool) {
        assert_eq!(matches(filter, name), expected);
    }

    #[rstest]
    #[case("a/#", true)]
    #[case("#", true)]
    #[case("+", true)]
    #[case("+/b/#", true)]
    #[case("/", true)]
    #[case("$share/g/a", true)]
    #[case("a#", false)]
    #[case("a/#/b", false)]
    #[case("a+", false)]
    #[case("+a/b", false)]
    #[case("", false)]
    #[case("a\0", false)]
    #[case("$share/g", false)]
    #[case("$share//a", false)]
    #[case("$share/g+/a", false)]
    #[case("$share/g/", false)]
    fn filters_have_a_grammar(#[case] filter: &str, #[case] valid: bool) {
        assert_eq!(check_filter(filter).is_ok(), valid);
    }

    #[rstest]
    #[case("a/b", true)]
    #[case("/", true)]
    #[case("", false)]
    #[case("a/+", false)]
    #[case("a#", false)]
    fn names_have_a_grammar(#[case] name: &str, #[case] valid: bool) {
        assert_eq!(check_name(name).is_ok(), valid);
    }

    #[rstest]
    #[case("a/#", "a/b", true)]
    #[case("a/#", "a/+/c", true)]
    #[case("a/#", "a", true)]
    #[case("a/+", "a/b", true)]
    #[case("a/+", "a/#", false)]
    #[case("a/b", "a/+", false)]
    #[case("a/b", "a/b", true)]
    #[case("#", "$SYS/a", false)]
    fn filters_include_others(#[case] wide: &str, #[case] narrow: &str, #[case] expected: bool) {
        assert_eq!(includes(wide, narrow), expected);
    }

    #[rstest]
    #[case("usp/agent/#", Some("usp/agent"))]
    #[case("usp/agent/+/x", Some("usp/agent"))]
    #[case("usp/agent", Some("usp/agent"))]
    #[case("$share/g/usp/#", Some("usp"))]
    #[case("#", None)]
    fn wildcards_are_cut_off(#[case] filter: &str, #[case] topic: Option<&str>) {
        assert_eq!(without_wildcards(filter).as_deref(), topic);
    }

    #[rstest]
    #[case("usp/agent/reply-to=usp%2Fc", "usp/agent", Some("usp/c"))]
    #[case("usp/agent", "usp/agent", None)]
    #[case("a/reply-to=b/reply-to=c", "a/reply-to=b", Some("c"))]
    #[case("a/reply-to=", "a", Some(""))]
    #[case("a/reply-to=b%2fc", "a", Some("b%2fc"))]
    fn reply_to_is_read(#[case] name: &str, #[case] topic: &str, #[case] reply_to: Option<&str>) {
        assert_eq!(split_reply_to(name), (topic, reply_to.map(str::to_owned)));
    }

    #[test]
    fn reply_to_is_written() {
        assert_eq!(with_reply_to("usp/agent", "usp/c/1"), "usp/agent/reply-to=usp%2Fc%2F1");
    }
}
