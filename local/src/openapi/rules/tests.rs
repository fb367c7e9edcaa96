use super::*;

/// A document that keeps every rule.
const GOOD: &str = r##"
openapi: 3.1.0
paths:
  /api/pets:
    get:
      operationId: list-pets
      parameters: [{$ref: "#/components/parameters/Cursor"}]
      responses:
        "200": {content: {application/json: {schema: {$ref: "#/components/schemas/Pets"}}}}
        "404":
          content:
            application/problem+json:
              schema:
                allOf:
                  - {$ref: "#/components/schemas/Problem"}
                  - properties: {type: {enum: [https://isophotoxp.com/problems/no-pets]}}
    patch:
      operationId: update-pet
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
webhooks:
  pet.born:
    post: {operationId: pet-born}
components:
  parameters: {Cursor: {name: cursor, in: query, schema: {type: string}}}
  schemas:
    Next: {type: [string, "null"]}
    Pets:
      type: object
      properties:
        items: {type: [array], items: {$ref: "#/components/schemas/Pet"}}
        next: {$ref: "#/components/schemas/Next"}
    Pet:
      oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}, {type: "null"}]
      discriminator:
        propertyName: kind
        mapping: {cat: "#/components/schemas/Cat", dog: "#/components/schemas/Dog"}
    Cat: {type: object, required: [kind], properties: {kind: {const: cat}, born: {anyOf: [{type: string}, {type: number}]}}}
    Dog: {type: object, required: [kind], properties: {kind: {const: dog}, tags: {type: array, items: {}}}}
    ProblemType: {enum: [https://isophotoxp.com/problems/no-pets]}
    Problem: {type: object, properties: {type: {$ref: "#/components/schemas/ProblemType"}}}
"##;

fn found(document: &str) -> Vec<String> {
    findings(&serde_saphyr::from_str(document).unwrap())
}

#[test]
fn a_document_that_generators_understand_has_no_findings() {
    assert_eq!(found(GOOD), [""; 0]);
}

#[test]
fn each_rule_finds_what_it_is_for() {
    let cat = "oneOf: [{$ref: \"#/components/schemas/Cat\"}";
    let cases = [
        (
            "next: {$ref: \"#/components/schemas/Next\"}",
            "next: {description: More., $ref: \"#/components/schemas/Next\"}",
            "/components/schemas/Pets/properties/next: what stands beside a $ref",
        ),
        ("type: array, items: {}", "type: array", "Dog/properties/tags: an array needs items"),
        ("type: [array], items", "type: [array], contains", "Pets/properties/items: an array needs items"),
        ("propertyName: kind", "title: kind", "/components/schemas/Pet: oneOf of objects needs a discriminator"),
        (cat, "oneOf: [{type: object}", "Pet: a union with a discriminator consists of $refs"),
        ("{cat: \"#/components/schemas/Cat\", ", "{", "Pet: the discriminator's mapping names exactly the cases"),
        ("{const: cat}", "{type: string}", "Cat has to require kind, which is always \"cat\" there"),
        (
            "required: [kind], properties: {kind: {const: dog}",
            "properties: {kind: {const: dog}",
            "Dog has to require kind",
        ),
        ("anyOf: [{type: string}, {type: number}]", "anyOf: [{type: object}, {}]", "born: anyOf of objects needs a"),
        (
            "anyOf: [{type: string}, {type: number}]",
            "anyOf: [{allOf: [{$ref: \"#/components/schemas/Dog\"}]}, {type: [object, \"null\"]}]",
            "born: anyOf of objects needs a discriminator",
        ),
        ("operationId: update-pet", "summary: none", "/paths/~1api~1pets/patch: it needs an operationId"),
        ("operationId: update-pet", "operationId: list-pets", "\"list-pets\" is that of /paths/~1api~1pets/get, too"),
        (
            "operationId: pet-born",
            "operationId: born",
            "/webhooks/pet.born/post: it needs an operationId, of a webhook",
        ),
        (
            "requestBody: {content: {",
            "requestBody: {content: {application/merge-patch+json: {}, ",
            "/paths/~1api~1pets/patch: a patch is sent as application/json alone",
        ),
        (
            "requestBody: {content: {application/json:",
            "requestBody: {content: {application/merge-patch+json:",
            "a patch is sent as application/json alone",
        ),
        (
            "        items: {type: [array]",
            "        pets: {type: [array]",
            "/paths/~1api~1pets/get: a list answers an array of",
        ),
        (
            "next: {$ref: \"#/components/schemas/Next\"}",
            "next: {type: string}",
            "get: a list answers an array of items",
        ),
        ("items: {type: [array], items", "items: {type: object, properties", "get: a list answers an array of items"),
        (
            "type: {enum: [https://isophotoxp.com/problems/no-pets]",
            "type: {enum: [https://isophotoxp.com/problems/no-dogs]",
            "\"https://isophotoxp.com/problems/no-dogs\" is not in /components/schemas/ProblemType/enum",
        ),
        (
            "type: {enum: [https://isophotoxp.com/problems/no-pets]",
            "type: {const: https://isophotoxp.com/problems/no-cats",
            "\"https://isophotoxp.com/problems/no-cats\" is not in",
        ),
        (
            "properties: {type: {$ref: \"#/components/schemas/ProblemType\"}}",
            "properties: {type: {type: string}}",
            "/components/schemas/Problem: its type is a ProblemType",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(GOOD.contains(from), "{from}");
        let found = found(&GOOD.replacen(from, to, 1));

        assert!(found.iter().any(|finding| finding.contains(expected)), "{to}: {found:#?}");
    }
}
