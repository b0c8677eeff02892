//! What people write for themselves, in their own spaces.

use std::collections::HashMap;

use entity::enums::DocumentKind;
use entity::ids::UserId;

use super::calendar;
use super::library::{Keeping, Shelf};
use super::plan::{Genre, SpacePlan};
use super::story::Story;
use super::world::World;
use super::writing;

impl Story<'_> {
    /// Fills the personal spaces.
    pub fn notes(&self, world: &mut World) {
        let spaces: HashMap<UserId, _> =
            world.spaces.iter().filter_map(|space| Some((space.user_id?, space.id))).collect();
        let plan = SpacePlan {
            organization: "acme",
            slug: "personal",
            name: "Personal",
            about: "",
            icon: "",
            color: "",
            open: false,
            default_role: "reader",
            team: "",
            project: None,
            areas: vec!["product", "field", "engineering", "people", "research", "manufacturing"],
            source: None,
            archived: false,
            sections: Vec::new(),
        };
        for (index, person) in self.people.iter().enumerate() {
            let random = self.random.stream(person.name);
            let Some(space) = spaces.get(&self.users[index]) else { continue };
            let mut shelf = Shelf::new(*space, None, false, random.stream("shelf"));
            let mut random = random.stream("notes");
            let count = if index == 0 { 20 } else { random.below(5) + 1 };
            for number in 0..(count * self.percent).div_ceil(100) {
                let date = calendar::working_moment(random.between(300, calendar::DAYS), &mut random);
                let start = random.below(self.corpus.notes.len());
                let mut scene = self.scene(&plan, Genre::Weekly, date, index, start + number + 1, &mut random);
                let Some(mut draft) = writing::note(&mut scene) else { continue };
                if random.chance(50) {
                    draft.tags = vec!["mine".to_owned()];
                }
                let keeping = Keeping { kind: DocumentKind::Note, drafts: 70, ..Keeping::new(self.users[index], date) };
                shelf.put(world, draft, keeping);
            }
        }
    }
}
