package workflow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

var _ history.RecoveryWorkflow = (*workflow.Recoveries)(nil)

func TestStartRecovery(t *testing.T) {
	k := notification.RecoveryKey{CloudName: "demo", ID: "01KGGVH71G0000000000000001"}
	for _, test := range []struct {
		name, wantErr string
		err           error
	}{
		{"started", "", nil},
		{"twice is once", "", &types.ExecutionAlreadyExists{}},
		{"refused", "start part 2 of recovery 01KGGVH71G0000000000000001: throttled", errors.New("throttled")},
	} {
		s := &starter{err: test.err}
		err := workflow.NewRecoveries(s, "machine").StartRecovery(t.Context(), k, 2)
		if test.wantErr == "" && err != nil || test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)) {
			t.Errorf("%s: error = %v, want %q", test.name, err, test.wantErr)
		}
		if *s.in.StateMachineArn != "machine" || *s.in.Name != k.ID+"-2" ||
			*s.in.Input != `{"cloud_name":"demo","recovery_id":"01KGGVH71G0000000000000001","part":2}` {
			t.Errorf("%s: %s of %s with %s", test.name, *s.in.Name, *s.in.StateMachineArn, *s.in.Input)
		}
	}
}
