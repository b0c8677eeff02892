//! The letter that carries an invitation.

use entity::enums::MemberRole;
use entity::tenancy::{invitation, organization};

use crate::platform::mail::{Letter, words};

/// The letter for an invitation. People choose their names and those of organizations: of these only the words are told.
pub fn inviting(
    address: &str,
    inviter: &str,
    organization: &organization::Model,
    invitation: &invitation::Model,
    link: String,
) -> Letter {
    let role = match invitation.role {
        MemberRole::Viewer => "a viewer",
        MemberRole::Member => "a member",
        MemberRole::Admin => "an admin",
        MemberRole::Owner => "an owner",
    };
    let (inviter, name) = (words(inviter), words(&organization.name));
    let day = invitation.expires_at.format("%-d %B %Y");
    Letter::new(address, format!("{inviter} invites you to {name}"))
        .paragraph(format!("{inviter} invites you to join {name} on Trellis as {role}."))
        .link("See the invitation", link)
        .paragraph(format!("It is good once, until {day}, for an account with this address."))
        .paragraph("If you do not know who this is from, ignore this letter: nothing happens without you.")
}
