//! The contract: the calls as an OpenAPI 3.1 document, made from the table of calls and the types of their bodies.

use std::collections::BTreeMap;

use http::Method;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApiBuilder, Ref, RefOr, Required, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::call::{Audience, BodyRule, Call};
use super::calls::{
    AddressAnswer, BoxKeyAnswer, BoxKeyRequest, CreateAnswer, CreateRequest, DevicesAnswer, InviteAnswer,
    InviteRequest, OpenAnswer, OwnPagesAnswer, PairingsAnswer, StatusAnswer, UnwrapAnswer, UnwrapRequest,
};
use super::event::Event;
use super::problem::ProblemBody;
use super::protocol::{PairingAnswer, PairingRequest};

/// The schemas that calls name, by their names.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The document, as it is served: JSON, two spaces, a line end.
pub fn text() -> String {
    let mut schemas = Schemas::new();
    let mut paths = PathsBuilder::new();
    for call in Call::ALL {
        let (method, path) = call.route();
        let item = PathItem::new(http_method(&method), operation(call, &mut schemas));
        paths = paths.path(path, item);
    }
    let components = schemas
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| components.schema(name, schema));
    let info = InfoBuilder::new().title("saltbridge").version("1").description(Some(
        "The bridge's interface, version 1. Requests of pages and the answers to them are signed: \
             docs/bridge-protocol.md. Programs of the user call the socket, unsigned, with the Host localhost.",
    ));
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components.build()))
        .build();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(call: Call, schemas: &mut Schemas) -> utoipa::openapi::path::Operation {
    let Described {
        name,
        summary,
        success,
        parameters,
    } = described(call);
    let who = match call.audience() {
        Audience::Anyone => "Anybody who reaches the bridge. Unsigned.".to_owned(),
        Audience::Invited => "A page whose origin a person named within the last two minutes.".to_owned(),
        Audience::Paired(None) => "Any paired page; the user's programs.".to_owned(),
        Audience::Paired(Some(scope)) => {
            format!("A page that is paired with the scope `{scope}`; the user's programs.")
        }
        Audience::Person => "The user's programs, at the socket, and the bridge's own page alone.".to_owned(),
        Audience::Socket => "The user's programs, at the socket alone.".to_owned(),
    };
    let mut operation = OperationBuilder::new()
        .operation_id(Some(name))
        .summary(Some(summary))
        .description(Some(who));
    for (name, place, description) in parameters {
        let required = if *place == ParameterIn::Path || *name == "public_key" {
            Required::True
        } else {
            Required::False
        };
        let parameter = ParameterBuilder::new()
            .name(*name)
            .parameter_in(place.clone())
            .required(required)
            .description(Some(*description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        operation = operation.parameter(parameter);
    }
    match call.body() {
        BodyRule::Empty => {}
        BodyRule::Json(limit) => {
            let content = ContentBuilder::new().schema(json_request(call, schemas)).build();
            let body = RequestBodyBuilder::new()
                .description(Some(format!("At most {limit} bytes.")))
                .content("application/json", content)
                .required(Some(Required::True));
            operation = operation.request_body(Some(body.build()));
        }
        BodyRule::Octets(limit) => {
            let content = ContentBuilder::new().schema(Some(octets())).build();
            let body = RequestBodyBuilder::new()
                .description(Some(format!("At most {limit} bytes.")))
                .content("application/octet-stream", content)
                .required(Some(Required::True));
            operation = operation.request_body(Some(body.build()));
        }
    }
    let answer = ResponseBuilder::new().description(success);
    let (status, answer) = match json_answer(call, schemas) {
        Answered::Nothing => ("204", answer),
        Answered::Json(schema) => {
            ("200", answer.content("application/json", ContentBuilder::new().schema(schema).build()))
        }
        Answered::Octets => (
            "200",
            answer.content("application/octet-stream", ContentBuilder::new().schema(Some(octets())).build()),
        ),
        Answered::Stream(schema) => {
            ("200", answer.content("text/event-stream", ContentBuilder::new().schema(schema).build()))
        }
    };
    let problem = ContentBuilder::new().schema(named::<ProblemBody>(schemas)).build();
    let refused = ResponseBuilder::new()
        .description("A problem (RFC 9457), with a stable code and a remedy.")
        .content("application/problem+json", problem);
    operation.response(status, answer).response("default", refused).build()
}

fn octets() -> Schema {
    let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(binary))
        .into()
}

/// Remembers a schema, and all that it names; a reference to it.
fn named<T: ToSchema + PartialSchema>(schemas: &mut Schemas) -> Option<RefOr<Schema>> {
    let name = T::name().into_owned();
    let mut others = Vec::new();
    T::schemas(&mut others);
    schemas.extend(others);
    schemas.insert(name.clone(), T::schema());
    Some(Ref::from_schema_name(name).into())
}

enum Answered {
    Nothing,
    Json(Option<RefOr<Schema>>),
    Octets,
    Stream(Option<RefOr<Schema>>),
}

fn json_request(call: Call, schemas: &mut Schemas) -> Option<RefOr<Schema>> {
    match call {
        Call::Pair => named::<PairingRequest>(schemas),
        Call::Create => named::<CreateRequest>(schemas),
        Call::Unwrap => named::<UnwrapRequest>(schemas),
        Call::BoxKey => named::<BoxKeyRequest>(schemas),
        Call::Invite => named::<InviteRequest>(schemas),
        _ => Some(RefOr::T(ObjectBuilder::new().description(Some("No fields.")).into())),
    }
}

fn json_answer(call: Call, schemas: &mut Schemas) -> Answered {
    match call {
        Call::Pair => Answered::Json(named::<PairingAnswer>(schemas)),
        Call::Status => Answered::Json(named::<StatusAnswer>(schemas)),
        Call::Events => Answered::Stream(named::<Event>(schemas)),
        Call::Create => Answered::Json(named::<CreateAnswer>(schemas)),
        Call::Unwrap => Answered::Json(named::<UnwrapAnswer>(schemas)),
        Call::BoxKey => Answered::Json(named::<BoxKeyAnswer>(schemas)),
        Call::Devices => Answered::Json(named::<DevicesAnswer>(schemas)),
        Call::Address => Answered::Json(named::<AddressAnswer>(schemas)),
        Call::Pairings => Answered::Json(named::<PairingsAnswer>(schemas)),
        Call::Invite => Answered::Json(named::<InviteAnswer>(schemas)),
        Call::Open => Answered::Json(named::<OpenAnswer>(schemas)),
        Call::OwnPages => Answered::Json(named::<OwnPagesAnswer>(schemas)),
        Call::Export | Call::Contract => Answered::Json(Some(RefOr::T(ObjectBuilder::new().into()))),
        Call::Decrypt | Call::Encrypt => Answered::Octets,
        Call::Forget | Call::ForgetAll | Call::Revoke => Answered::Nothing,
    }
}

/// What the document says of a call.
struct Described {
    name: &'static str,
    summary: &'static str,
    success: &'static str,
    parameters: &'static [(&'static str, ParameterIn, &'static str)],
}

const HANDLE: (&str, ParameterIn, &str) = ("handle", ParameterIn::Path, "The handle that unwrapping gave.");
const ADDRESS: (&str, ParameterIn, &str) = ("address", ParameterIn::Query, "The account's address; its path is found.");
const PATH: (&str, ParameterIn, &str) = ("path", ParameterIn::Query, "The account's derivation path.");

fn described(call: Call) -> Described {
    let of = |name, summary, success, parameters| Described {
        name,
        summary,
        success,
        parameters,
    };
    match call {
        Call::Pair => of("pair", "Exchanges public keys with the bridge, once, with a code.", "Paired.", &[]),
        Call::Status => {
            of("status", "What the bridge and the device are doing. The device is not asked.", "The state.", &[])
        }
        Call::Events => of(
            "events",
            "What happens while calls wait: server-sent events, each of them one JSON object.",
            "The stream. It begins with a comment and ends when the caller or the bridge closes it.",
            &[],
        ),
        Call::Create => {
            of("create", "Makes a key pair under the device's account: two approvals.", "The key pair.", &[])
        }
        Call::Unwrap => of(
            "unwrap",
            "Opens an envelope: one approval, unless the caller holds its key already.",
            "The key is held.",
            &[],
        ),
        Call::Decrypt => of(
            "decrypt",
            "Opens a sealed box. Nothing of the plaintext is sent before all of the box was verified.",
            "The plaintext.",
            &[HANDLE],
        ),
        Call::Export => of(
            "export",
            "Gives the private key away: always with an approval that was asked for this.",
            "The text of numerbay.json.",
            &[HANDLE],
        ),
        Call::Forget => of("forget", "Forgets one key.", "Forgotten.", &[HANDLE]),
        Call::ForgetAll => {
            of("forgetAll", "Forgets all keys of the caller; from the socket, of everybody.", "Forgotten.", &[])
        }
        Call::Encrypt => of(
            "encrypt",
            "Seals a body for a public key.",
            "The sealed box, 48 bytes longer.",
            &[("public_key", ParameterIn::Query, "The recipient's public key, base64, percent-encoded.")],
        ),
        Call::BoxKey => {
            of("boxKey", "The key of one sealed box, which opens it and nothing else.", "The key.", &[HANDLE])
        }
        Call::Devices => of("devices", "Which devices are plugged in, and in which state.", "The devices.", &[]),
        Call::Address => of(
            "address",
            "The address of an account.",
            "The address.",
            &[ADDRESS, PATH, ("verify", ParameterIn::Query, "`true`: shown on the device, and compared there.")],
        ),
        Call::Pairings => of("pairings", "Which pages are paired.", "The pairings.", &[]),
        Call::Invite => of("invite", "Makes a code with which a page may pair.", "The code.", &[]),
        Call::Revoke => of(
            "revoke",
            "Ends the pairings of an origin, with its keys and streams.",
            "Ended.",
            &[("origin", ParameterIn::Path, "The origin, percent-encoded.")],
        ),
        Call::Open => of(
            "open",
            "Listens at a port of its own for the bridge's own page, and makes the code for its window.",
            "The address and the code.",
            &[],
        ),
        Call::OwnPages => of("ownPages", "Which own pages are listened for.", "The own pages.", &[]),
        Call::Contract => of("contract", "This document.", "The document.", &[]),
    }
}
