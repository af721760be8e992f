"""What fails on a queue is found again, and nothing is handed out twice at once."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch


def resource(value):
    """The logical id that an Arn refers to."""
    got = value.get("Fn::GetAtt") if isinstance(value, dict) else None
    return (got.split(".") if isinstance(got, str) else got or [None])[0]


def dead_letter_queues(cfn):
    """The queues that take what others could not handle: another queue, a rule, an asynchronous invocation."""
    for queue in cfn.get_resources("AWS::SQS::Queue").values():
        yield resource(queue.get("Properties", {}).get("RedrivePolicy", {}).get("deadLetterTargetArn"))
    for rule in cfn.get_resources("AWS::Events::Rule").values():
        for target in rule["Properties"].get("Targets", []):
            yield resource(target.get("DeadLetterConfig", {}).get("Arn"))
    for config in cfn.get_resources("AWS::Lambda::EventInvokeConfig").values():
        yield resource(config["Properties"].get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))


class QueueRedrive(CloudFormationLintRule):
    id = "E9003"
    shortdesc = "Queues have a dead-letter queue with an alarm, or are one"
    description = "A message that fails for ever is otherwise lost without a word when its retention ends"
    tags = ["mediahooks"]

    def match(self, cfn):
        matches = []
        queues = cfn.get_resources("AWS::SQS::Queue")
        redrives = {n: resource(q.get("Properties", {}).get("RedrivePolicy", {}).get("deadLetterTargetArn")) for n, q in queues.items()}
        dead = set(dead_letter_queues(cfn))
        watched = set()
        for alarm in cfn.get_resources("AWS::CloudWatch::Alarm").values():
            for dimension in alarm["Properties"].get("Dimensions", []):
                watched.add(resource(dimension.get("Value")))
        for name in queues:
            path = ["Resources", name]
            if redrives[name] is None and name not in dead:
                matches.append(RuleMatch(path, f"{name} has no RedrivePolicy and is no dead-letter queue"))
            if redrives[name] is not None and redrives[name] not in queues:
                matches.append(RuleMatch(path, f"{name} redrives to a queue that is not in this template"))
            if name in dead and name not in watched:
                matches.append(RuleMatch(path, f"{name} is a dead-letter queue without an alarm"))
        return matches


class VisibilityTimeout(CloudFormationLintRule):
    id = "E9004"
    shortdesc = "A queue's VisibilityTimeout is at least six times its function's Timeout"
    description = "Lambda's developer guide asks for it: a batch may be throttled and tried again within that time"
    tags = ["mediahooks"]

    def match(self, cfn):
        matches = []
        queues = cfn.get_resources("AWS::SQS::Queue")
        functions = cfn.get_resources("AWS::Lambda::Function")
        for name, mapping in cfn.get_resources("AWS::Lambda::EventSourceMapping").items():
            properties = mapping["Properties"]
            queue = queues.get(resource(properties.get("EventSourceArn")))
            function = functions.get(properties.get("FunctionName", {}).get("Ref"))
            if queue is None or function is None:
                continue
            visible = queue.get("Properties", {}).get("VisibilityTimeout", 30)
            timeout = function["Properties"].get("Timeout", 3)
            if visible < 6 * timeout:
                matches.append(RuleMatch(["Resources", name], f"{name}: VisibilityTimeout {visible} is less than six times the function's Timeout {timeout}"))
        return matches


class MaximumConcurrency(CloudFormationLintRule):
    id = "E9005"
    shortdesc = "MaximumConcurrency is a number or found in a mapping"
    description = "The Ref of a parameter is a string, on which the local emulator's poller stops without a word"
    tags = ["mediahooks"]

    def match(self, cfn):
        matches = []
        for name, mapping in cfn.get_resources("AWS::Lambda::EventSourceMapping").items():
            path = ["Resources", name, "Properties"]
            most = mapping["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency")
            if most is None:
                matches.append(RuleMatch(path, f"{name} has no MaximumConcurrency"))
            elif not isinstance(most, int) and "Fn::FindInMap" not in most:
                matches.append(RuleMatch(path, f"{name}: MaximumConcurrency is neither a number nor found in a mapping"))
        return matches
