package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Tags are the rules of axe-core that pages are held against. They are named
// because a run without tags leaves out target-size.
var Tags = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}

// Auditor holds what is installed in a node_modules folder.
type Auditor struct {
	// Modules is the folder that holds node_modules.
	Modules string

	once sync.Once
	axe  string
	err  error
}

// Violation is a rule that a page breaks, and where.
type Violation struct {
	Rule, Help string
	Nodes      []string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s", v.Rule, v.Help, strings.Join(v.Nodes, "; "))
}

// run has axe judge the page, and shortens what it found.
const run = `axe.run(document, {runOnly: {type: "tag", values: %s}, resultTypes: ["violations"], preload: false, iframes: false})
	.then(({violations}) => violations.map((v) => ({Rule: v.id, Help: v.help, Nodes: v.nodes.map(
		(n) => n.target.join(" ") + " " + n.html.slice(0, 160) + " " + [...n.any, ...n.all, ...n.none].map((c) => c.message).join(", "))})))`

// Axe returns the rules of accessibility that the page breaks.
func (a *Auditor) Axe(p *Page) ([]Violation, error) {
	a.once.Do(func() {
		source, err := os.ReadFile(filepath.Join(a.Modules, "node_modules/axe-core/axe.min.js"))
		a.axe, a.err = string(source)+";0", err
	})
	if a.err != nil {
		return nil, fmt.Errorf("load axe-core: %w: run make browser", a.err)
	}
	if _, err := Evaluate[int](p, a.axe); err != nil {
		return nil, fmt.Errorf("load axe-core: %w", err)
	}
	tags, err := json.Marshal(Tags)
	if err != nil {
		return nil, fmt.Errorf("run axe-core: %w", err)
	}
	return Evaluate[[]Violation](p, fmt.Sprintf(run, tags))
}

// Validate returns what is wrong with the HTML of files, a line for each fault.
func (a *Auditor) Validate(ctx context.Context, files []string) ([]string, error) {
	args := append([]string{"--config", filepath.Join(a.Modules, "htmlvalidate.json"), "--formatter", "json"}, files...)
	out, err := exec.CommandContext(ctx, filepath.Join(a.Modules, "node_modules/.bin/html-validate"), args...).Output()
	var reports []struct {
		FilePath string
		Messages []struct {
			RuleID, Message string
			Line, Column    int
		}
	}
	// It exits with 1 where it finds something, and then has written a report.
	if unread := json.Unmarshal(out, &reports); unread != nil {
		return nil, fmt.Errorf("run html-validate: %w: %w", err, unread)
	}
	var faults []string
	for _, r := range reports {
		for _, m := range r.Messages {
			faults = append(faults, fmt.Sprintf("%s:%d:%d: %s (%s)", filepath.Base(r.FilePath), m.Line, m.Column, m.Message, m.RuleID))
		}
	}
	return faults, nil
}

// SticksOut returns what makes the page scroll sideways, none where it does not.
func SticksOut(p *Page) ([]string, error) {
	return Evaluate[[]string](p, `(() => {
		const root = document.documentElement;
		if (root.scrollWidth <= root.clientWidth) return [];
		const out = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
		return out.slice(0, 8).map((e) => e.outerHTML.slice(0, 120));
	})()`)
}

// Moves returns what moves on the page: elements with an animation or a
// transition that takes time.
func Moves(p *Page) ([]string, error) {
	return Evaluate[[]string](p, `[...document.querySelectorAll("*")].filter((e) => {
		const s = getComputedStyle(e);
		const takes = (d) => d.split(",").some((part) => parseFloat(part) > 0.01);
		return s.animationName !== "none" && takes(s.animationDuration) || s.transitionProperty !== "none" && takes(s.transitionDuration);
	}).map((e) => e.outerHTML.slice(0, 120))`)
}

// Stop is one that the Tab key makes.
type Stop struct {
	// Element is its start tag and Name what a person reads of it.
	Element, Name string
	// Outline is the width in px of what shows that it has the focus.
	Outline float64
	// InView says that it is where the person looks.
	InView bool
}

// focused describes what has the focus, null for nothing but the page.
const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body || e === document.documentElement) return null;
	const s = getComputedStyle(e), box = e.getBoundingClientRect();
	const label = e.labels && e.labels.length ? e.labels[0].innerText : "";
	return {
		Element: e.outerHTML.slice(0, e.outerHTML.indexOf(">") + 1),
		Name: (e.getAttribute("aria-label") || label || e.innerText || e.value || "").trim().replace(/\s+/g, " "),
		Outline: s.outlineStyle === "none" ? 0 : parseFloat(s.outlineWidth),
		InView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
	};
})()`

// Focused is what has the focus, nil for nothing but the page.
func Focused(p *Page) (*Stop, error) { return Evaluate[*Stop](p, focused) }

// tab is the Tab key.
const tab = "\t"

// mostStops bounds a walk, in case the focus is caught somewhere.
const mostStops = 500

// Walk presses Tab from the top of the page until it comes around, and returns
// the stops.
func Walk(p *Page) ([]Stop, error) {
	var stops []Stop
	for len(stops) < mostStops {
		if err := p.Press(tab); err != nil {
			return nil, err
		}
		// An element is known by a mark that is set when it is first met.
		stop, err := Evaluate[*Stop](p, `(() => {
			const e = document.activeElement, seen = window.__walked ||= new WeakSet();
			if (seen.has(e)) return null;
			seen.add(e);
			return `+focused+`;
		})()`)
		switch {
		case err != nil:
			return nil, err
		case stop == nil:
			return stops, nil
		}
		stops = append(stops, *stop)
	}
	return nil, fmt.Errorf("walk the page: more than %d stops", mostStops)
}

// TabTo presses Tab until what has the focus is named so, or its name ends so, as
// people do who have no mouse. It goes around the page once.
func TabTo(p *Page, name string) error {
	var met []string
	around := 0
	for around < 2 && len(met) < mostStops {
		if err := p.Press(tab); err != nil {
			return err
		}
		stop, err := Focused(p)
		switch {
		case err != nil:
			return err
		case stop == nil:
			around++
		case stop.Name == name || strings.HasSuffix(stop.Name, " "+name):
			return nil
		default:
			met = append(met, stop.Name)
		}
	}
	return fmt.Errorf("tab to %q: met %q only", name, met)
}
