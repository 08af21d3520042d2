package identity

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestPasswords(t *testing.T) {
	ctx := t.Context()
	hash, err := HashPassword(ctx, "corréct horse")
	require.NoError(t, err)
	again, err := HashPassword(ctx, "corréct horse")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "each has its own salt")
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	for password, want := range map[string]bool{"corréct horse": true, "corréct hors": false, "": false, strings.Repeat("x", maxPassword+1): false} {
		got, err := checkPassword(ctx, hash, password)
		require.NoError(t, err)
		require.Equal(t, want, got, password)
	}
	for _, bad := range []string{"", "x", "$argon2id$v=19$m=19456,t=2,p=1$$", "$argon2id$v=19$m=999999999,t=2,p=1$AAAA$AAAA", "$argon2i" + hash[9:], strings.Replace(hash, "v=19", "v=18", 1)} {
		got, err := checkPassword(ctx, bad, "corréct horse")
		require.NoError(t, err)
		require.False(t, got, bad)
	}
	for _, bad := range []string{"", strings.Repeat("x", maxPassword+1)} {
		_, err := HashPassword(ctx, bad)
		require.Error(t, err)
	}
}

// A login whose client has gone doesn't wait for its turn.
func TestPasswordsQueue(t *testing.T) {
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	defer func() {
		for range cap(hashing) {
			<-hashing
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := HashPassword(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAttempts(t *testing.T) {
	now := time.Unix(1000, 0)
	a := newAttempts(2, time.Minute)
	fail := func(user, address string, times int) {
		for range times {
			a.wrong(user, address, now)
		}
	}
	fail("mia", "10.0.0.1", 1)
	require.Zero(t, a.wait("mia", "10.0.0.1", now))
	fail("mia", "10.0.0.1", 1)
	require.Equal(t, time.Minute, a.wait("mia", "10.0.0.1", now))
	require.Zero(t, a.wait("mia", "10.0.0.2", now), "a stranger can't lock her out everywhere")
	require.Zero(t, a.wait("otto", "10.0.0.1", now))
	require.Zero(t, a.wait("mia", "10.0.0.1", now.Add(time.Minute)))
	for i := range 20 {
		fail(strings.Repeat("u", i+1), "10.0.0.3", 1)
	}
	require.NotZero(t, a.wait("anybody", "10.0.0.3", now), "who tries many users is stopped too")
	a.right("mia", "10.0.0.1")
	require.Zero(t, a.wait("mia", "10.0.0.1", now))
	for i := range maxWatched {
		fail("u", time.Duration(i).String(), 1)
	}
	require.LessOrEqual(t, len(a.failed), maxWatched+2)
}

func TestMemoryIsBounded(t *testing.T) {
	m, now := newMemory(), time.Unix(1000, 0)
	var key [32]byte
	for i := range maxRemembered + 5 {
		key[0], key[1], key[2] = byte(i), byte(i>>8), byte(i>>16)
		m.put(key, remembered{token: Token{User: Name{ID: "u"}}, until: now.Add(time.Second), changes: 7})
	}
	require.LessOrEqual(t, len(m.tokens), maxRemembered)
	got, ok := m.get(key, now, 7)
	require.True(t, ok)
	require.Equal(t, "u", got.User.ID)
	_, ok = m.get(key, now, 8)
	require.False(t, ok, "something was written since")
	m.put(key, remembered{until: now, changes: 7})
	_, ok = m.get(key, now, 7)
	require.False(t, ok)
}

func FuzzOpenToken(f *testing.F) {
	keys := []models.IdentityKey{{ID: "k", Secret: strings.Repeat("ab", signingKeySize)}}
	good, err := sign(keys[0], claims{User: "u", Expires: 1})
	require.NoError(f, err)
	for _, seed := range []string{good, "", prefix, "clk1.k.e30.", "clk1.k..", good[:len(good)-1], good[:len(good)-5] + "\r\n" + good[len(good)-5:], "clk1.k." + strings.Repeat("A", 99)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := open(keys, text); ok && (text != good || c.User != "u") {
			t.Fatalf("a token that nobody signed: %q", text)
		}
	})
}
