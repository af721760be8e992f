package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudinary/cloudinary-go/v2"
	"github.com/cloudinary/cloudinary-go/v2/api/admin"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
)

// The operator's commands do on a deployed stack what the runbooks say.
func TestOperator(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "operator")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../operator").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	operator := func(args ...string) (out string, err error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"-stage", "local"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+local.Endpoint(), "AWS_ACCESS_KEY_ID="+emulator.AccessKey,
			"AWS_SECRET_ACCESS_KEY="+emulator.SecretKey, "AWS_REGION="+emulator.Region, "API_URL="+local.APIURL())
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	must := func(want string, args ...string) (found []string) {
		t.Helper()
		out, err := operator(args...)
		found = regexp.MustCompile(want).FindStringSubmatch(out)
		if err != nil || found == nil {
			t.Fatalf("operator %v: %v\n%s\nwant %s", args, err, out, want)
		}
		return found
	}
	made := must(`(?m)^CLOUDINARY_URL='(cloudinary://\d{15}:\S{27}@operated\?upload_prefix=\S+)'$`, "-cloud", "operated", "environment")
	sdk, err := cloudinary.NewFromURL(made[1])
	if err != nil {
		t.Fatal(err)
	}
	if listed, err := sdk.Admin.ListTriggers(t.Context(), admin.ListTriggersParams{}); err != nil || listed.Error.Message != "" {
		t.Errorf("the Go SDK with the new key: %+v, %v", listed, err)
	}
	if out, err := operator("-cloud", "operated", "environment"); err == nil || !strings.Contains(out, "409 Conflict: cloud_name: operated is taken") {
		t.Errorf("the same again: %v, %s", err, out)
	}
	if out, err := operator("environment"); err == nil || !strings.Contains(out, "CLOUD: name the environment") {
		t.Errorf("without a name: %v, %s", err, out)
	}
	if shown := must(`(?m)^CLOUDINARY_ACCOUNT_URL='(.*)'$`, "account"); shown[1] != local.Account().URL() {
		t.Errorf("the account's URL is %s, want %s", shown[1], local.Account().URL())
	}
	must(`^\d+ data keys are encrypted under the newest material of arn:`, "rewrap")

	before := local.Account()
	path := "/v1_1/provisioning/accounts/" + before.ID + "/sub_accounts"
	t.Cleanup(func() { putAccountKey(t, before.Key) })
	must(`(?s)the API takes it.*It is refused`, "rotate-account-key")
	if got := callAs(t, before.Key.APIKey, before.Key.APISecret, "GET", path, ""); got.status != 401 {
		t.Errorf("the account key before: %d %s", got.status, got.body)
	}
}
