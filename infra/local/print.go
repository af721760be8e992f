package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/stack"
)

// printer writes what a command is doing: one line for each step, with the
// seconds since the start.
type printer struct {
	mu     sync.Mutex
	out    io.Writer
	colour bool
	began  time.Time
}

func newPrinter(out *os.File, getenv func(string) string) *printer {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &printer{out: out, colour: terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb", began: time.Now()}
}

// Codes of the few colours in use.
const (
	green = "32"
	red   = "31"
	dim   = "2"
)

// paint returns the text in a colour, where colours are wanted.
func (p *printer) paint(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *printer) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// step writes a line that begins with the seconds since the start.
func (p *printer) step(format string, args ...any) {
	p.printf("%s  %s", p.paint(dim, fmt.Sprintf("%6.1f s", time.Since(p.began).Seconds())), fmt.Sprintf(format, args...))
}

// stackStep says in words what a step of the stack's start has done.
func (p *printer) stackStep(name string, took time.Duration) {
	words := map[string]string{
		"build":     "functions built for this machine",
		"emulator":  "AWS emulator started",
		"deploy":    "template.yaml deployed by the SAM CLI",
		"provision": "environment demo created, with one access key",
	}
	p.step("%-46s %s", words[name], p.paint(dim, fmt.Sprintf("took %.1f s", took.Seconds())))
}

// ports says where the stack is to be found if that is not where one would look.
func (p *printer) ports(s settings, running *stack.Stack) {
	for _, asked := range []struct {
		name  string
		port  stack.Port
		found string
	}{
		{"PORT", s.port, running.APIURL()},
		{"EMULATOR_PORT", s.emulatorPort, running.Endpoint()},
	} {
		if !strings.HasSuffix(asked.found, fmt.Sprintf(":%d", asked.port.Number)) {
			p.step("%s %d is taken: using %s", asked.name, asked.port.Number, asked.found)
		}
	}
}
