package account_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mediahooks/mediahooks/infra/account"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// Whatever the secret holds, the URL has it in letters that neither a shell nor a
// URL parser touches, and gives it back.
func TestURLs(t *testing.T) {
	const punctuation = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~%41é"
	a := account.Account{ID: "16a8ff3b", Key: notification.AccountKey{APIKey: "stack", APISecret: punctuation}, APIURL: "http://127.0.0.1:8080"}
	parsed, err := url.Parse(a.URL())
	if err != nil {
		t.Fatal(err)
	}
	if secret, _ := parsed.User.Password(); secret != punctuation || parsed.User.Username() != "stack" || parsed.Host != "16a8ff3b" || parsed.Scheme != "account" {
		t.Errorf("%s gives %q", a.URL(), secret)
	}
	if strings.ContainsAny(strings.TrimPrefix(a.URL(), "account://"), " !\"#$&'()*+,/;<=>?[\\]^`{|}") {
		t.Errorf("%s is not safe in a shell", a.URL())
	}
	const want = "cloudinary://1:s@demo?upload_prefix=http://127.0.0.1:8080"
	if got := a.CloudinaryURL(registry.Credentials{CloudName: "demo", APIKey: "1", APISecret: "s"}); got != want {
		t.Errorf("CLOUDINARY_URL is %s, want %s", got, want)
	}
}

func TestStackWithoutAccount(t *testing.T) {
	_, err := account.Open(t.Context(), aws.Config{}, map[string]string{"ApiUrl": "x"})
	if err == nil || !strings.Contains(err.Error(), "no output AccountId: deploy") {
		t.Errorf("error = %v", err)
	}
	if _, err := account.Rewrap(t.Context(), aws.Config{}, map[string]string{}); err == nil || !strings.Contains(err.Error(), "no output TableName") {
		t.Errorf("error = %v", err)
	}
}
