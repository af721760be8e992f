// Package privileges holds the roles of the stack against what is done in them,
// both ways: a call that its role does not allow is a fault, and so is a
// permission that nothing has needed.
//
// Two tests use it. One finds, in the source, the calls of AWS that each function
// may come to, and holds the actions of template.yaml against them. The other is
// the end-to-end tests: what they make the functions call is recorded and held,
// with the resources, against the policies as they were deployed.
package privileges

import (
	"fmt"
	"slices"
	"strings"
)

// Operation is an operation of an AWS service, by the name that its calls are
// signed for: dynamodb PutItem.
type Operation struct{ Service, Name string }

// String returns the operation as an IAM action is written.
func (o Operation) String() string { return o.Service + ":" + o.Name }

// asOther are the operations that are other actions to IAM than their
// own name. A list means that it depends on what is asked for: any of them may be
// needed, and at least one is.
//
// Source: Service Authorization Reference; for PartiQL, DynamoDB developer guide,
// IAM security policies with PartiQL.
var asOther = map[Operation][]string{
	{"dynamodb", "BatchExecuteStatement"}: {"dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect", "dynamodb:PartiQLUpdate"},
	{"dynamodb", "ExecuteStatement"}:      {"dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect", "dynamodb:PartiQLUpdate"},
	{"dynamodb", "TransactWriteItems"}:    {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
	{"dynamodb", "TransactGetItems"}:      {"dynamodb:GetItem"},
	{"sqs", "SendMessageBatch"}:           {"sqs:SendMessage"},
	{"sqs", "DeleteMessageBatch"}:         {"sqs:DeleteMessage"},
	{"kms", "ReEncrypt"}:                  {"kms:ReEncryptFrom", "kms:ReEncryptTo"},
}

// Actions returns the IAM actions that an operation may need.
func (o Operation) Actions() []string {
	if others, ok := asOther[o]; ok {
		return others
	}
	return []string{o.String()}
}

// Judge returns the operations of which a role allows no action, the actions that
// no operation needs, and those missing that AWS needs in the role.
func Judge(actions []string, operations []Operation, served []string) (faults []string) {
	needed := make(map[string]bool)
	for _, action := range served {
		needed[action] = true
		if !slices.Contains(actions, action) {
			faults = append(faults, action+" is what AWS does in this role, and not allowed")
		}
	}
	for _, o := range operations {
		allowed := false
		for _, action := range o.Actions() {
			needed[action] = true
			allowed = allowed || slices.Contains(actions, action)
		}
		if !allowed {
			faults = append(faults, fmt.Sprintf("%s is called, and not allowed: add %s", o, strings.Join(o.Actions(), " or ")))
		}
	}
	for _, action := range actions {
		if !needed[action] {
			faults = append(faults, action+" is allowed, and never called")
		}
	}
	return faults
}
