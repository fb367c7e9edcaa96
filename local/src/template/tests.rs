//! Small templates, and what is said about them.

use std::collections::BTreeMap;

use super::*;

const GOOD: &str = r#"AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev, AllowedValues: [dev, prod] }
  EnableZohoSync: { Type: String, Default: "false", AllowedPattern: "true|false" }
  JwtIssuer: { Type: String, Default: "https://issuer.example/" }
  JwtAudiences: { Type: CommaDelimitedList, Default: "web, app" }
  DatabaseHost: { Type: String, Default: "" }
Conditions:
  HasHost: !Not [!Equals [!Ref DatabaseHost, ""]]
  IsProd: !Equals [!Ref Stage, prod]
Globals:
  Function:
    Runtime: provided.al2023
    Architectures: [arm64]
    Timeout: 10
    Environment:
      Variables:
        STAGE: !Ref Stage
        DATABASE_HOST: !If [HasHost, !Ref DatabaseHost, !GetAtt Proxy.Endpoint]
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Identity
        Authorizers:
          Identity:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: { issuer: !Ref JwtIssuer, audience: !Ref JwtAudiences }
      CorsConfiguration: { AllowOrigins: ["https://isophotoxp.com"], AllowMethods: [GET, POST], MaxAge: 600 }
  SyncZoho:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: bootstrap } }
    Properties:
      Handler: sync-zoho
      CodeUri: .
      Timeout: 60
      MemorySize: 256
      Environment:
        Variables:
          STAGE: !Sub "the ${Stage} stage"
          QUEUE_URL: !Ref SyncQueue
          QUEUE_NAME: !GetAtt SyncQueue.QueueName
          ONLY_PROD: !If [IsProd, "yes", !Ref AWS::NoValue]
          ARN: !Sub "arn:${AWS::Partition}:x:${AWS::Region}:${AWS::AccountId}:${SyncQueue.QueueName}/${!kept}"
          JOINED: !Join ["-", [a, !Select [1, !Split [",", "x,y"]], !Select [0, !Ref JwtAudiences]]]
      Events:
        Messages:
          Type: SQS
          Properties:
            Queue: !GetAtt SyncQueue.Arn
            BatchSize: 100
            MaximumBatchingWindowInSeconds: 1
            ScalingConfig: { MaximumConcurrency: 2 }
            FunctionResponseTypes: [ReportBatchItemFailures]
        EveryMinute:
          Type: ScheduleV2
          Properties: { ScheduleExpression: rate(1 minute), Input: '{"limit": 5}' }
        Route:
          Type: HttpApi
          Properties: { ApiId: !Ref Api, Path: "/api/hooks/{id}", Method: post, Auth: { Authorizer: NONE } }
  SyncQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 360
      RedrivePolicy: { deadLetterTargetArn: !GetAtt SyncDeadLetters.Arn, maxReceiveCount: 5 }
  SyncDeadLetters:
    Type: AWS::SQS::Queue
    Properties: { QueueName: !Sub "${Stage}-sync-dead", MessageRetentionPeriod: 1209600 }
  ZohoSecret:
    Type: AWS::SecretsManager::Secret
    Properties: { Name: !Sub "isoxp/${Stage}/zoho" }
  OnlyInProd:
    Type: AWS::SQS::Queue
    Condition: IsProd
  Proxy:
    Type: AWS::RDS::DBProxy
    Properties: { Anything: goes }
"#;

fn read(source: &str, parameters: &[(&str, &str)]) -> Result<Template, Vec<String>> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), source).unwrap();
    Template::read(file.path(), &parameters).map_err(|error| {
        let path = file.path().display().to_string();
        error.to_string().lines().map(|line| line.replace(&path, "template.yaml")).collect()
    })
}

/// What is found after one change to the good template; the change keeps all lines where they are.
fn findings(from: &str, to: &str) -> Vec<String> {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` has to be there once");
    read(&GOOD.replace(from, to), &[]).expect_err("nothing was found")
}

fn line_of(text: &str) -> usize {
    GOOD.lines().position(|line| line.contains(text)).unwrap() + 1
}

#[test]
fn a_good_template_is_read_whole() {
    let template = read(GOOD, &[]).unwrap();

    let [function] = &*template.functions else { panic!("{template:?}") };
    assert_eq!((&*function.logical_id, &*function.name), ("SyncZoho", "sync-zoho"));
    assert_eq!((function.timeout, function.memory_mb), (Duration::from_mins(1), 256));
    let route = Route { method: "POST".into(), path: "/api/hooks/{id}".into(), authorized: false };
    assert_eq!(function.routes, [route]);
    let mapping = QueueMapping {
        queue: "SyncQueue".into(),
        batch_size: 100,
        window: Duration::from_secs(1),
        maximum_concurrency: Some(2),
        report_batch_item_failures: true,
        enabled: true,
        line: line_of("Queue: !GetAtt SyncQueue.Arn"),
    };
    assert_eq!(function.queue_mappings, [mapping]);
    let [schedule] = &*function.schedules else { panic!("{function:?}") };
    assert_eq!(schedule.name, "SyncZohoEveryMinute");
    assert_eq!(schedule.rhythm, Rhythm::Every(Duration::from_mins(1)));
    assert_eq!(schedule.input, Some(serde_json::json!({ "limit": 5 })));
    let [queue, dead] = &*template.queues else { panic!("{template:?}") };
    assert_eq!(queue.redrive, Some(Redrive { dead_letter: "SyncDeadLetters".into(), max_receive_count: 5 }));
    assert_eq!(queue.attributes, [("VisibilityTimeout".into(), "360".into())].into());
    assert_eq!(dead.name, "dev-sync-dead");
    assert_eq!(template.secrets, [Secret { logical_id: "ZohoSecret".into(), name: "isoxp/dev/zoho".into() }]);
    let api = template.http_api.unwrap();
    let jwt = Jwt { issuer: "https://issuer.example/".into(), audience: vec!["web".into(), "app".into()] };
    assert_eq!(api.jwt, Some(jwt));
    assert_eq!(api.cors.unwrap().max_age, Some(Duration::from_mins(10)));
}

#[test]
fn variables_are_evaluated_once_the_resources_exist() {
    let template = read(GOOD, &[("DatabaseHost", "127.0.0.1")]).unwrap();
    let attributes = BTreeMap::from([("QueueName".to_owned(), "sync".to_owned())]);
    let queue = Resource { reference: "http://queues/sync".into(), attributes };

    let environment = template.functions[0].environment(&Resources([("SyncQueue".into(), queue)].into())).unwrap();

    let expected = [
        ("ARN", "arn:aws:x:us-east-1:000000000000:sync/${kept}"),
        ("DATABASE_HOST", "127.0.0.1"),
        ("JOINED", "a-y-web"),
        ("QUEUE_NAME", "sync"),
        ("QUEUE_URL", "http://queues/sync"),
        ("STAGE", "the dev stage"),
    ];
    assert_eq!(environment, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn a_variable_that_needs_the_cloud_is_named_with_its_line() {
    let template = read(GOOD, &[]).unwrap();

    let error = template.functions[0].environment(&Resources::default()).unwrap_err().to_string();

    let line = line_of("DATABASE_HOST:");
    assert!(error.contains(&format!("template.yaml:{line}: `Proxy` exists only in the cloud")), "{error}");
}

#[test]
fn a_misspelt_property_of_an_event_is_found_with_its_line() {
    let found = findings("BatchSize: 100", "BatchSiz: 100");

    let line = line_of("BatchSize: 100");
    let message = "an SQS event has no property `BatchSiz` that the local stack knows: did you mean `BatchSize`?";
    assert_eq!(found, [format!("template.yaml:{line}: {message}")]);
}

#[test]
fn each_rule_finds_what_it_is_for() {
    let cases = [
        ("Timeout: 60", "Timout: 60", "no property `Timout`"),
        ("ScheduleExpression", "ScheduleExpresion", "no property `ScheduleExpresion`"),
        ("VisibilityTimeout: 360", "VisibiltyTimeout: 360", "no property `VisibiltyTimeout`"),
        ("AllowMethods", "AllowMethod", "no property `AllowMethod`"),
        ("MaximumBatchingWindowInSeconds: 1", "MaximumBatchingWindowInSeconds: 0", "a BatchSize over 10 needs"),
        ("BatchSize: 100", "BatchSize: 10001", "a BatchSize is 1 to 10000"),
        ("BatchSize: 100", "BatchSize: many", "`BatchSize` has to be a whole number"),
        ("MaximumConcurrency: 2", "MaximumConcurrency: 1", "a MaximumConcurrency is 2 to 1000"),
        ("[ReportBatchItemFailures]", "[]", "or one bad message fails its neighbours"),
        ("VisibilityTimeout: 360", "VisibilityTimeout: 359", "AWS asks for six times that, 360 s"),
        ("VisibilityTimeout: 360", "DelaySeconds: 0", "hides a message for 30 s"),
        ("      RedrivePolicy: {", "      Tags: {", "has no RedrivePolicy"),
        ("!GetAtt SyncDeadLetters.Arn", "!GetAtt Api.Arn", "the dead letter queue `Api` is no queue"),
        ("Queue: !GetAtt SyncQueue.Arn", "Queue: !GetAtt SyncQuue.Arn", "`SyncQuue` is neither a parameter nor"),
        ("Queue: !GetAtt SyncQueue.Arn", "Queue: !GetAtt Proxy.Arn", "`Proxy` is no queue of this template"),
        ("Queue: !GetAtt SyncQueue.Arn", "Queue: !Ref SyncQueue", "`Queue` has to be `!GetAtt"),
        ("MemorySize: 256", "ReservedConcurrentExecutions: 1", "over the function's ReservedConcurrentExecutions 1"),
        ("MemorySize: 256", "MemorySize: 64", "a MemorySize outside Lambda's"),
        ("rate(1 minute)", "rate(1 moment)", "is not a rate"),
        (r#"'{"limit": 5}'"#, "'{limit}'", "an Input is JSON"),
        ("Type: ScheduleV2", "Type: Schedule", "no events of type `Schedule`"),
        ("AWS::RDS::DBProxy", "AWS::DynamoDB::Table", "neither runs `AWS::DynamoDB::Table`"),
        ("Binary: bootstrap", "Binari: bootstrap", "needs `Metadata: BuildProperties: Binary`"),
        ("Handler: sync-zoho", "Description: sync-zoho", "needs a `Handler`"),
        ("provided.al2023", "nodejs22.x", "needs the Runtime `provided.al2023`"),
        ("Condition: IsProd", "Condition: IsProduction", "there is no condition `IsProduction`"),
        ("DefaultAuthorizer: Identity", "DefaultAuthorizer: Nobody", "there is no authorizer `Nobody`"),
        ("ApiId: !Ref Api,", "", "an HttpApi event needs `ApiId`"),
        ("[GET, POST]", "[GET, PUT]", "browsers cannot send `POST /api/hooks/{id}`: AllowMethods lacks POST"),
        ("Condition: IsProd", "Type: AWS::SQS::Queue", "`Type` stands here twice"),
    ];
    for (from, to, message) in cases {
        let found = findings(from, to);

        assert!(found.iter().any(|line| line.contains(message)), "{to}: {found:#?}");
        assert!(found.iter().all(|line| line.starts_with("template.yaml:")), "{found:#?}");
    }
}

#[test]
fn findings_stand_at_the_line_that_is_wrong_and_all_come_at_once() {
    let source = GOOD.replace("MaximumConcurrency: 2", "MaximumConcurrency: 1").replace("Timeout: 60", "Timout: 60");

    let found = read(&source, &[]).unwrap_err();

    let lines: Vec<_> = found.iter().map(|line| line.split(':').nth(1).unwrap().parse::<usize>().unwrap()).collect();
    assert_eq!(lines, [line_of("Timeout: 60"), line_of("MaximumConcurrency: 2")]);
    assert_eq!(lint(&source, &BTreeMap::new()).len(), 2);
}

#[test]
fn parameters_are_checked_and_none_is_unknown() {
    let unknown = read(GOOD, &[("Stagee", "dev")]).unwrap_err();
    let not_allowed = read(GOOD, &[("Stage", "staging")]).unwrap_err();
    let no_match = read(GOOD, &[("EnableZohoSync", "yes")]).unwrap_err();
    let missing = read(&GOOD.replace(", Default: dev", ""), &[]).unwrap_err();

    assert_eq!(unknown, ["template.yaml: the template has no parameter `Stagee`, which the stage sets"]);
    assert_eq!(not_allowed, ["template.yaml:4: the parameter `Stage` has to be one of: dev, prod"]);
    assert!(no_match[0].starts_with("template.yaml:5: the parameter `EnableZohoSync` does not match"), "{no_match:?}");
    assert!(missing[0].starts_with("template.yaml:4: the parameter `Stage` has no default"), "{missing:?}");
}

#[test]
fn a_resource_whose_condition_does_not_hold_is_not_there() {
    let names = |template: Template| template.queues.into_iter().map(|queue| queue.logical_id).collect::<Vec<_>>();

    assert_eq!(names(read(GOOD, &[]).unwrap()), ["SyncQueue", "SyncDeadLetters"]);
    assert_eq!(names(read(GOOD, &[("Stage", "prod")]).unwrap()), ["SyncQueue", "SyncDeadLetters", "OnlyInProd"]);
}

#[test]
fn what_is_not_yaml_is_refused_with_its_line() {
    let found = read("Resources:\n  A: [1, 2\n  B: 3\n", &[]).unwrap_err();

    assert!(found[0].starts_with("template.yaml:3: this is not YAML"), "{found:?}");
}

#[test]
fn the_long_forms_of_intrinsic_functions_mean_the_same() {
    let source = GOOD
        .replace("Queue: !GetAtt SyncQueue.Arn", "Queue: { Fn::GetAtt: [SyncQueue, Arn] }")
        .replace("issuer: !Ref JwtIssuer", "issuer: { Fn::Sub: ['${It}x', { It: { Ref: JwtIssuer } }] }");

    let template = read(&source, &[]).unwrap();

    assert_eq!(template.functions[0].queue_mappings[0].queue, "SyncQueue");
    assert_eq!(template.http_api.unwrap().jwt.unwrap().issuer, "https://issuer.example/x");
}
