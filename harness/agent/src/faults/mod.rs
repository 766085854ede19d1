//! Named faults: the ways in which the reference Agent can be made to violate TR-369, so that each metric of the test plan can be
//! seen to fail. A fault is one line in `catalogue.rs` and one hook where it acts; what only distorts a Message on its way out is
//! collected in [`mangle`].

pub mod kind;
pub mod mangle;

use std::collections::BTreeSet;

/// A name that no fault has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault called {0:?}")]
pub struct UnknownFault(pub String);

/// The faults that are on.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct FaultSet(BTreeSet<Fault>);

impl FaultSet {
    /// Whether `fault` is on.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// Whether any fault is on.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults that are on, by declaration.
    pub fn iter(&self) -> impl Iterator<Item = Fault> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Fault> for FaultSet {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

/// Declares [`Fault`] with names and descriptions from one line each.
macro_rules! faults {
    ($($variant:ident = $name:literal: $description:literal,)+) => {
        /// A way to violate TR-369. Its name is what `--fault` and the fault matrix use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Fault {
            $(
                #[doc = $description]
                #[serde(rename = $name)]
                $variant,
            )+
        }

        impl Fault {
            /// Every fault, in the order of declaration.
            pub const fn all() -> &'static [Self] {
                &[$(Self::$variant),+]
            }

            /// The name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What the Agent does wrong, in one line.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $description,)+
                }
            }
        }
    };
}
use faults;

mod catalogue;
pub use catalogue::Fault;

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all().iter().copied().find(|fault| fault.name() == name).ok_or_else(|| UnknownFault(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique_and_read_back() {
        let names: BTreeSet<&str> = Fault::all().iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::all().len());
        for fault in Fault::all() {
            assert!(
                fault.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
            );
            assert_eq!(fault.name().parse(), Ok(*fault));
            assert_eq!(serde_json::to_string(fault).unwrap(), format!("\"{fault}\""));
            assert!(!fault.description().is_empty());
        }
        assert!("no-such-fault".parse::<Fault>().is_err());
    }
}
