package scheduler

import (
	"fmt"
	"strings"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenNumber
	tokenText // quoted
	tokenName
	tokenSign // operator or bracket
)

type token struct {
	kind tokenKind
	text string
}

// Two-character signs go before their one-character beginnings.
var signs = []string{"<=", ">=", "==", "!=", "<>", "&&", "||", "<", ">", "&", "|", "!", "+", "-", "*", "/", "^", "(", ")", ",", "?", ":"}

func lex(source string) ([]token, error) {
	var tokens []token
	for rest := strings.TrimLeft(source, blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		t, length, err := nextToken(rest)
		if err != nil {
			return nil, err
		}
		tokens, rest = append(tokens, t), rest[length:]
	}
	return append(tokens, token{}), nil
}

const blanks = " \t\r\n"

func nextToken(rest string) (token, int, error) {
	first := rest[0]
	switch {
	case isDigit(first):
		n := span(rest, func(c byte) bool { return isDigit(c) || c == '.' })
		return token{tokenNumber, rest[:n]}, n, nil
	case isLetter(first):
		n := span(rest, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '.' })
		return token{tokenName, rest[:n]}, n, nil
	case first == '"' || first == '\'':
		end := strings.IndexByte(rest[1:], first)
		if end < 0 {
			return token{}, 0, fmt.Errorf("text without a closing %c", first)
		}
		return token{tokenText, rest[1 : end+1]}, end + 2, nil
	}
	for _, sign := range signs {
		if strings.HasPrefix(rest, sign) {
			return token{tokenSign, sign}, len(sign), nil
		}
	}
	return token{}, 0, fmt.Errorf("unexpected %q", []rune(rest)[0])
}

func span(s string, in func(byte) bool) int {
	for i := range len(s) {
		if !in(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }
