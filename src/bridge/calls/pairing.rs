//! Pages: invited by a person, paired by a code, listed, revoked.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Called, Taken, read};
use crate::bridge::answer::{Answer, empty, json, secret_json};
use crate::bridge::caller::Owner;
use crate::bridge::clock::unix_now;
use crate::bridge::door::Door;
use crate::bridge::invitations::GOOD_FOR;
use crate::bridge::notice::Notice;
use crate::bridge::own_page::OwnPage;
use crate::bridge::problem::Problem;
use crate::bridge::protocol::{
    Code, Origin, PageKey, Pairing, PairingAnswer, PairingRequest, Proof, RequestSignature, Scope, ScopeError, Scopes,
};
use crate::bridge::refusal::Refusal;
use crate::bridge::state::Bridge;
use crate::fault::{Class, Explanation, Fault};

/// What is asked of `POST /v1/pairings/codes`.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// The origin that may pair.
    pub origin: String,
    /// What it will be allowed; create, decrypt and encrypt if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// A one-time code.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct InviteAnswer {
    /// 16 characters in groups of four.
    #[schema(value_type = String)]
    pub code: Zeroizing<String>,
    /// The origin, as browsers spell it.
    pub origin: String,
    /// What it will be allowed, sorted.
    pub scopes: Vec<String>,
    /// For how many seconds the code is good.
    pub expires_in: u64,
}

/// A pairing, as it is listed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListedPairing {
    /// The origin.
    pub origin: String,
    /// The name of its browser's key.
    pub key_id: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was paired: seconds since 1970.
    pub paired_at: u64,
}

/// What `GET /v1/pairings` tells.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PairingsAnswer {
    /// By origin, then by age.
    pub pairings: Vec<ListedPairing>,
}

/// Pairs a page of an invited origin, if it knows the code.
pub(in crate::bridge) async fn pair(
    bridge: &Arc<Bridge>,
    door: &Door,
    origin: Origin,
    signature: &RequestSignature,
    body: Taken,
) -> Result<Answer, Problem> {
    let Taken::Json(body) = body else {
        return Err(Refusal::NotInvited.problem());
    };
    let PairingRequest { public_key, proof } = read(&body)?;
    let verified = signature.verify(door.authority(), &public_key);
    verified.map_err(|error| Refusal::from(error).problem())?;
    if let Door::OwnPage(page) = door {
        return let_in(bridge, page, signature, public_key, proof);
    }
    let between = Between {
        bridge: Arc::clone(bridge),
        origin,
        authority: door.authority().to_owned(),
        signature: signature.clone(),
    };
    // The disk is waited for.
    let paired = tokio::task::spawn_blocking(move || between.exchange(public_key, proof));
    paired.await.unwrap_or_else(|_| Err(Refusal::Stopping.problem()))
}

/// Lets the window of the bridge's own page in. Nothing of it is kept.
fn let_in(
    bridge: &Bridge,
    page: &OwnPage,
    signature: &RequestSignature,
    page_key: PageKey,
    proof: Proof,
) -> Result<Answer, Problem> {
    let between = Pairing {
        origin: page.origin(),
        authority: page.authority(),
        page_key: &page_key,
    };
    let (bridge_key, scopes) = (bridge.identity.key(), OwnPage::scopes());
    let exchange = |code: &Code| {
        if between.page_proof(code) != proof {
            return Err(WrongCode.into());
        }
        let fresh = bridge.registry().check_freshness(unix_now(), signature);
        fresh.map_err(|refusal| refusal.problem())?;
        Ok(between.bridge_proof(code, &bridge_key, &scopes))
    };
    let proof = page.let_in(page_key, Refusal::NotInvited.problem(), exchange)?;
    (bridge.teller)(&Notice::OwnPage { is_open: true });
    Ok(json(&PairingAnswer {
        public_key: bridge_key,
        scopes,
        proof,
    }))
}

/// A page that wants to pair, and what it signed.
struct Between {
    bridge: Arc<Bridge>,
    origin: Origin,
    authority: String,
    signature: RequestSignature,
}

impl Between {
    fn exchange(self, page_key: PageKey, proof: Proof) -> Result<Answer, Problem> {
        let Self {
            bridge,
            origin,
            authority,
            signature,
        } = self;
        let between = Pairing {
            origin: &origin,
            authority: &authority,
            page_key: &page_key,
        };
        let _writing = bridge.writing();
        let mut registry = bridge.registry();
        let now = bridge.clock.now();
        let invitation = registry.invitations.get(now, &origin);
        let invitation = invitation.ok_or_else(|| Refusal::NotInvited.problem())?;
        if between.page_proof(&invitation.code) != proof {
            return Err(WrongCode.into());
        }
        let fresh = registry.check_freshness(unix_now(), &signature);
        fresh.map_err(|refusal| refusal.problem())?;
        // From here on the code is used up, whatever comes of it.
        let invitation = registry
            .invitations
            .take(&origin)
            .ok_or_else(|| Refusal::NotInvited.problem())?;
        let bridge_key = bridge.identity.key();
        let proof = between.bridge_proof(&invitation.code, &bridge_key, &invitation.scopes);
        let scopes = invitation.scopes.clone();
        let (pairing, to_keep) = registry.pairings.admit(origin.clone(), page_key, scopes)?;
        drop(registry);
        to_keep.write()?;
        bridge.registry().pairings.insert(pairing);
        // What an earlier pairing of the same browser holds ends with it.
        let owner = Owner::Page(page_key.key_id());
        bridge.forgetting("the page was paired anew", |keyring| {
            keyring.forget_all_of(|other| other == owner);
        });
        bridge.listeners().end(owner);
        (bridge.teller)(&Notice::Paired {
            origin,
            scopes: invitation.scopes.clone(),
        });
        Ok(json(&PairingAnswer {
            public_key: bridge_key,
            scopes: invitation.scopes,
            proof,
        }))
    }
}

/// Makes a code with which a page of an origin may pair.
pub(super) fn invite(called: &Called, request: InviteRequest) -> Result<Answer, Problem> {
    let bridge = &called.bridge;
    let origin = request.origin.parse::<Origin>()?;
    let scopes = match request.scopes {
        None => Scopes::default(),
        Some(names) => {
            let scopes = names.iter().map(|name| name.parse::<Scope>());
            scopes.collect::<Result<Scopes, ScopeError>>()?
        }
    };
    if scopes.is_empty() {
        return Err(ScopeError::Empty.into());
    }
    let code = Code::generate()?;
    let shown = code.show();
    let mut registry = bridge.registry();
    if !registry
        .invitations
        .add(bridge.clock.now(), origin.clone(), scopes.clone(), code)
    {
        return Err(TooManyInvitations.into());
    }
    drop(registry);
    (bridge.teller)(&Notice::Invited {
        origin: origin.clone(),
        scopes: scopes.clone(),
    });
    let names: Vec<_> = scopes.iter().map(Scope::name).collect();
    let rest = serde_json::json!({
        "origin": origin.to_string(),
        "scopes": names,
        "expires_in": GOOD_FOR.as_secs(),
    });
    Ok(with_code(&shown, &rest))
}

/// The answer that tells a new code, and these fields.
pub(super) fn with_code(shown: &str, rest: &serde_json::Value) -> Answer {
    let rest = rest.to_string();
    // Of its full length at once: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(rest.len() + shown.len() + 16));
    text.push_str("{\"code\":\"");
    text.push_str(shown);
    text.push_str("\",");
    text.push_str(rest.trim_start_matches('{'));
    secret_json(text)
}

/// Lists the pairings.
pub(super) fn list(called: &Called) -> Answer {
    let all = called.bridge.registry().pairings.all();
    let listed = |pairing: crate::bridge::pairings::Pairing| ListedPairing {
        key_id: pairing.key.key_id().to_string(),
        scopes: pairing.scopes.iter().map(|scope| scope.to_string()).collect(),
        origin: pairing.origin.to_string(),
        paired_at: pairing.paired_at,
    };
    json(&PairingsAnswer {
        pairings: all.into_iter().map(listed).collect(),
    })
}

/// Ends the pairings of an origin, and everything that is done for them.
pub(super) async fn revoke(called: &Called) -> Result<Answer, Problem> {
    let origin = called.last_segment().parse::<Origin>()?;
    let bridge = Arc::clone(&called.bridge);
    let revoked = tokio::task::spawn_blocking(move || bridge.revoke(&origin)).await;
    revoked.map_err(|_| Refusal::Stopping.problem())??;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The proof was made with another code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code is not the one that was made for this page")]
struct WrongCode;

impl Fault for WrongCode {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "wrong-code",
            Class::Policy,
            "paste the code as it was shown; it is for this one site, and good for two minutes",
        )
    }
}

/// As many origins are invited as may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many codes are open")]
struct TooManyInvitations;

impl Fault for TooManyInvitations {
    fn explain(&self) -> Explanation {
        Explanation::new("too-many-codes", Class::Policy, "wait two minutes until the first of them has ended")
    }
}
