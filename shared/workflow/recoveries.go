package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Recoveries starts executions of the state machine in
// infra/workflows/recover.asl.json. It is safe for concurrent use.
type Recoveries struct {
	client  API
	machine string
}

// NewRecoveries returns the recoveries of the state machine with that ARN.
func NewRecoveries(client API, machineARN string) *Recoveries {
	return &Recoveries{client: client, machine: machineARN}
}

// StartRecovery starts a part of a recovery. To start it twice is to start it
// once: the execution is named after it.
func (r *Recoveries) StartRecovery(ctx context.Context, k notification.RecoveryKey, part int) error {
	name, in, err := RecoveryExecution(k, part)
	if err != nil {
		return err
	}
	_, err = r.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &r.machine, Name: &name, Input: &in})
	if _, again := errors.AsType[*types.ExecutionAlreadyExists](err); again {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start part %d of recovery %s: %w", part, k.ID, err)
	}
	return nil
}

// RecoveryExecution returns the name and the input of the execution that does a
// part of a recovery.
func RecoveryExecution(k notification.RecoveryKey, part int) (name, input string, err error) {
	in, err := json.Marshal(struct {
		CloudName  string `json:"cloud_name"`
		RecoveryID string `json:"recovery_id"`
		Part       int    `json:"part"`
	}{k.CloudName, k.ID, part})
	if err != nil {
		return "", "", fmt.Errorf("start part %d of recovery %s: encode input: %w", part, k.ID, err)
	}
	return k.ID + "-" + strconv.Itoa(part), string(in), nil
}
