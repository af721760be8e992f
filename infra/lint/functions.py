"""Every function has a log group and a role of its own, both spelt out."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch


class FunctionLogGroup(CloudFormationLintRule):
    id = "E9001"
    shortdesc = "Functions log to a log group of the template"
    description = "Without one Lambda makes a log group that keeps its lines for ever and outlives the stack"
    tags = ["mediahooks"]

    def match(self, cfn):
        matches = []
        groups = cfn.get_resources("AWS::Logs::LogGroup")
        for name, function in cfn.get_resources("AWS::Lambda::Function").items():
            path = ["Resources", name, "Properties"]
            group = function["Properties"].get("LoggingConfig", {}).get("LogGroup", {})
            group = groups.get(group.get("Ref")) if isinstance(group, dict) else None
            if group is None:
                matches.append(RuleMatch(path, f"{name} has no LoggingConfig.LogGroup that refers to a log group of this template"))
            elif "RetentionInDays" not in group.get("Properties", {}):
                matches.append(RuleMatch(path, f"the log group of {name} has no RetentionInDays"))
        return matches


class FunctionRole(CloudFormationLintRule):
    id = "E9002"
    shortdesc = "Functions have a role of their own, without managed policies"
    description = "The roles that SAM makes attach managed policies, which allow more than one function's calls"
    tags = ["mediahooks"]

    def match(self, cfn):
        matches = []
        roles = cfn.get_resources("AWS::IAM::Role")
        used = {}
        for name, function in cfn.get_resources("AWS::Lambda::Function").items():
            path = ["Resources", name, "Properties"]
            arn = function["Properties"].get("Role")
            got = arn.get("Fn::GetAtt") if isinstance(arn, dict) else None
            role = (got.split(".") if isinstance(got, str) else got or [None])[0]
            if role not in roles:
                matches.append(RuleMatch(path, f"{name} has no Role that refers to a role of this template"))
                continue
            if roles[role].get("Properties", {}).get("ManagedPolicyArns"):
                matches.append(RuleMatch(path, f"{role}, the role of {name}, has managed policies: write down what {name} calls"))
            if role in used:
                matches.append(RuleMatch(path, f"{name} shares {role} with {used[role]}: each function has its own"))
            used[role] = name
        return matches
