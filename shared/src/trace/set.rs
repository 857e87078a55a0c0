// SPDX-License-Identifier: MIT OR Apache-2.0
//! The values that a filter asks for, and those that it leaves out.

/// What one filter lets through: any of the wanted values (every value where none is named), less the excluded ones.
///
/// ```
/// use tracewell_shared::trace::set::Set;
///
/// let set = Set::any([1, 2]);
/// assert!(set.lets(|value| *value == 2) && !set.lets(|value| *value == 3));
/// let set = Set::none([0]);
/// assert!(set.lets(|value| *value == 1) && !set.lets(|value| *value == 0));
/// assert!(Set::<u32>::default().lets(|_| false));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T> {
    wanted: Vec<T>,
    excluded: Vec<T>,
}

impl<T> Set<T> {
    /// Nothing but these values; everything where there are none.
    pub fn any(values: impl IntoIterator<Item = T>) -> Self {
        Self {
            wanted: values.into_iter().collect(),
            excluded: Vec::new(),
        }
    }

    /// Everything but these values.
    pub fn none(values: impl IntoIterator<Item = T>) -> Self {
        Self {
            wanted: Vec::new(),
            excluded: values.into_iter().collect(),
        }
    }

    /// The values of which one must hold, unless there are none.
    pub fn wanted(&self) -> &[T] {
        &self.wanted
    }

    /// The values of which none may hold.
    pub fn excluded(&self) -> &[T] {
        &self.excluded
    }

    /// The set of what these values become.
    pub fn map<U>(&self, map: impl Fn(&T) -> U) -> Set<U> {
        Set {
            wanted: self.wanted.iter().map(&map).collect(),
            excluded: self.excluded.iter().map(&map).collect(),
        }
    }

    /// Whether nothing was asked for: everything is let through.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.excluded.is_empty()
    }

    /// Whether that is let through of which `is` says what values it has.
    pub fn lets(&self, is: impl Fn(&T) -> bool) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(&is)) && !self.excluded.iter().any(&is)
    }
}

impl<T: PartialEq + Clone> Set<T> {
    /// What several sets ask for together: any of all that is wanted, none of all that is excluded.
    pub fn together(sets: &[Self]) -> Self {
        let mut together = Self::default();
        for set in sets {
            for value in &set.wanted {
                together.want(value.clone());
            }
            for value in &set.excluded {
                together.exclude(value.clone());
            }
        }
        together
    }

    /// Wants this value, too.
    pub fn want(&mut self, value: T) {
        if !self.wanted.contains(&value) {
            self.wanted.push(value);
        }
    }

    /// Excludes this value, too.
    pub fn exclude(&mut self, value: T) {
        if !self.excluded.contains(&value) {
            self.excluded.push(value);
        }
    }

    /// A value that is both wanted and excluded: whoever asked for that did not mean it.
    pub fn contradiction(&self) -> Option<&T> {
        self.wanted
            .iter()
            .find(|value| self.excluded.contains(value))
    }
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self::any([])
    }
}

impl<T> From<T> for Set<T> {
    fn from(value: T) -> Self {
        Self::any([value])
    }
}
