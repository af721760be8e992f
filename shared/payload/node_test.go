package payload_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// judge is what a receiver in JavaScript does with a body, line by line: + and
// what JSON.stringify makes of it, or - where JSON.parse refuses it.
const judge = `
const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
require('readline').createInterface({input: process.stdin}).on('line', line => {
	let answer = '-';
	try {
		const text = decoder.decode(Buffer.from(line, 'base64'));
		answer = '+' + Buffer.from(JSON.stringify(JSON.parse(text))).toString('base64');
	} catch {}
	process.stdout.write(answer + '\n');
});`

// node is a running Node that judges JSON.
type node struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// startNode starts the Node that is on PATH. A test that needs it fails without.
func startNode(t *testing.T) *node {
	t.Helper()
	cmd := exec.Command("node", "-e", judge)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("this test compares with Node.js, which must be on PATH: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v\n%s", err, complaints.String())
		}
	})
	return &node{in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

// judge returns JSON.stringify(JSON.parse(text)) for each text, nil for one that
// JSON.parse refuses.
func (n *node) judge(t *testing.T, texts [][]byte) [][]byte {
	t.Helper()
	go func() {
		w := bufio.NewWriter(n.in)
		for _, text := range texts {
			fmt.Fprintf(w, "%s\n", base64.StdEncoding.EncodeToString(text))
		}
		_ = w.Flush() // should it fail, the reader below notices
	}()
	answers := make([][]byte, len(texts))
	for i := range answers {
		line, err := n.out.ReadBytes('\n')
		if err != nil {
			t.Fatalf("read node's answer: %v", err)
		}
		if line[0] == '-' {
			continue
		}
		if answers[i], err = base64.StdEncoding.DecodeString(string(line[1 : len(line)-1])); err != nil {
			t.Fatalf("decode node's answer: %v", err)
		}
	}
	return answers
}

// The goldens are what Node makes of them, so that no table of ours is taken on
// trust.
func TestGoldensAgainstNode(t *testing.T) {
	var texts [][]byte
	for _, golden := range goldens {
		texts = append(texts, []byte(golden.text))
	}
	for i, got := range startNode(t).judge(t, texts) {
		if diff := cmp.Diff(goldens[i].want, string(got)); diff != "" {
			t.Errorf("%s: %s (-golden +node):\n%s", goldens[i].name, goldens[i].text, diff)
		}
	}
}

// Kept integers are those, and only those, that Node prints differently.
func TestKeptIntegersAgainstNode(t *testing.T) {
	random := rand.New(rand.NewPCG(seedOfDocuments, 1))
	var texts [][]byte
	for _, integer := range kept {
		texts = append(texts, []byte(integer))
	}
	for range 5000 {
		digits := strconv.AppendUint(nil, random.Uint64()>>random.IntN(20)|1<<40, 10)
		digits = append(digits, strings.Repeat("0", random.IntN(8)*random.IntN(2))...)
		texts = append(texts, digits)
	}
	keptOnes := 0
	for i, printed := range startNode(t).judge(t, texts) {
		got, err := payload.Canonical(texts[i])
		if err != nil {
			t.Fatalf("Canonical(%s): %v", texts[i], err)
		}
		want := texts[i]
		if sameInteger(string(printed), string(texts[i])) {
			want = printed
		} else {
			keptOnes++
		}
		if !bytes.Equal(got, want) {
			t.Errorf("Canonical(%s) = %s, want %s; node prints %s", texts[i], got, want, printed)
		}
	}
	t.Logf("%d of %d kept", keptOnes, len(texts))
}

// sameInteger reports whether a number as JavaScript prints it has the digits of
// an integer literal.
func sameInteger(printed, literal string) bool {
	mantissa, exponent, found := strings.Cut(printed, "e+")
	if found {
		whole, fraction, _ := strings.Cut(mantissa, ".")
		zeros, err := strconv.Atoi(exponent)
		if err != nil {
			return false
		}
		printed = whole + fraction + strings.Repeat("0", zeros-len(fraction))
	}
	return printed == literal
}

// Numbers of all sizes, powers of two among them, which have neighbours at
// unequal distances.
func TestNumbersAgainstNode(t *testing.T) {
	random := rand.New(rand.NewPCG(seedOfDocuments, 2))
	var texts [][]byte
	add := func(f float64) {
		if !math.IsInf(f, 0) && !math.IsNaN(f) {
			texts = append(texts, strconv.AppendFloat(nil, f, 'e', 17+random.IntN(4), 64))
		}
	}
	for exponent := -1074; exponent <= 1023; exponent++ {
		power := math.Ldexp(1, exponent)
		add(power)
		add(math.Nextafter(power, 0))
		add(-math.Nextafter(power, math.MaxFloat64))
	}
	for range 10_000 {
		add(math.Float64frombits(random.Uint64()))
	}
	for digits := -30; digits < 30; digits++ {
		add(math.Pow10(digits))
		add(-9 * math.Pow10(digits))
	}
	for range 10_000 {
		g := generator{random: random}
		texts = append(texts, g.number(nil))
	}
	for i, want := range startNode(t).judge(t, texts) {
		got, err := payload.Canonical(texts[i])
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("Canonical(%s) = %s, %v; node prints %s", texts[i], got, err, want)
		}
	}
}

// The rule of the package: a finished body is a fixed point of JavaScript.
func TestBodiesAgainstNode(t *testing.T) {
	random := rand.New(rand.NewPCG(seedOfDocuments, 3))
	var given, bodies, canonicals [][]byte
	for i := range 4000 {
		g := generator{random: random, deepest: 1 + i%12}
		if i%100 == 0 {
			g.deepest = payload.MaxDepth
		}
		text := g.object(nil, 1)
		rewritten, err := payload.Canonical(text)
		if err != nil {
			t.Fatalf("seed %d, document %d: Canonical(%s): %v", seedOfDocuments, i, text, err)
		}
		given = append(given, text)
		canonicals = append(canonicals, rewritten)
		bodies = append(bodies, finish(t, text))
	}
	javascript := startNode(t)
	for i, want := range javascript.judge(t, given) {
		if diff := cmp.Diff(string(want), string(canonicals[i])); diff != "" {
			t.Fatalf("seed %d, document %d: %s\n(-node +Canonical):\n%s", seedOfDocuments, i, given[i], diff)
		}
	}
	for i, want := range javascript.judge(t, bodies) {
		if diff := cmp.Diff(string(want), string(bodies[i])); diff != "" {
			t.Fatalf("seed %d, document %d: %s\n(-node +body):\n%s", seedOfDocuments, i, given[i], diff)
		}
	}
	deepest := 0
	for _, text := range canonicals {
		deepest = max(deepest, bytes.Count(regexp.MustCompile(`[]}]*$`).Find(text), nil)-1)
	}
	t.Logf("seed %d: %d bodies of %d bytes in all, the deepest of %d levels",
		seedOfDocuments, len(bodies), len(bytes.Join(bodies, nil)), deepest)
	if deepest != payload.MaxDepth {
		t.Error("the documents no longer try the greatest depth")
	}
}

// refusals are the messages of faults that JSON.parse does not know.
var refusals = regexp.MustCompile(`^(duplicate key .*|number out of range|nested deeper than \d+)$`)

// inexact finds what may be an integer that is kept, anywhere in a text.
var inexact = regexp.MustCompile(`\d{16,}`)

// Damaged documents are refused where Node refuses them, and otherwise only for
// the reasons that the package gives.
func TestAcceptanceAgainstNode(t *testing.T) {
	random := rand.New(rand.NewPCG(seedOfDocuments, 4))
	var texts [][]byte
	for i := range 20_000 {
		g := generator{random: random, deepest: 1 + i%5, small: true}
		texts = append(texts, g.damage(g.object(nil, 1)))
	}
	accepted, refused := 0, map[string]int{}
	for i, want := range startNode(t).judge(t, texts) {
		got, err := payload.Canonical(texts[i])
		fault := faultOf(err)
		switch {
		case err != nil && fault == nil:
			t.Errorf("Canonical(%q): %v, which is no *Error", texts[i], err)
		case fault == nil && want == nil:
			t.Errorf("Canonical(%q) = %s; node refuses it", texts[i], got)
		case fault != nil && want != nil && !refusals.MatchString(fault.Message):
			t.Errorf("Canonical(%q): %v; node accepts it", texts[i], err)
		case fault == nil && !inexact.Match(texts[i]) && !bytes.Equal(got, want):
			t.Errorf("Canonical(%q) = %s; node has %s", texts[i], got, want)
		}
		if fault == nil {
			accepted++
		} else {
			message, _, _ := strings.Cut(fault.Message, `"`)
			refused[strings.Fields(message)[0]]++
		}
	}
	t.Logf("seed %d: accepted %d, refused %v", seedOfDocuments, accepted, refused)
	if accepted < 1000 || refused["duplicate"] < 20 || refused["invalid"] < 100 || refused["unexpected"] < 1000 {
		t.Error("the documents no longer try everything")
	}
}
