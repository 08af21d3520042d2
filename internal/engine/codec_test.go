package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

func newKeys(t testing.TB, ids ...string) Keys {
	t.Helper()
	var text strings.Builder
	for _, id := range ids {
		line, err := NewKeyLine(id, "")
		require.NoError(t, err)
		text.WriteString(line)
	}
	k, err := parseKeys("# of a test\n" + text.String())
	require.NoError(t, err)
	return k
}

func TestPayloadsAreEncrypted(t *testing.T) {
	k := newKeys(t, "2027-01", "2026-01")
	dc := k.converter()
	p, err := dc.ToPayload(map[string]string{"chap": "very-secret"})
	require.NoError(t, err)
	require.Equal(t, "2027-01", string(p.GetMetadata()[metadataKeyID]))
	require.NotContains(t, p.String(), "very-secret")
	again, err := dc.ToPayload(map[string]string{"chap": "very-secret"})
	require.NoError(t, err)
	require.False(t, bytes.Equal(p.GetData(), again.GetData()), "no two are equal")
	var got map[string]string
	require.NoError(t, dc.FromPayload(p, &got))
	require.Equal(t, map[string]string{"chap": "very-secret"}, got)

	other := newKeys(t, "2027-01")
	require.ErrorContains(t, other.converter().FromPayload(p, &got), "damaged")
	require.ErrorContains(t, newKeys(t, "node1").converter().FromPayload(p, &got), `"2027-01", which is not among ours`)
	for _, change := range []func(*commonpb.Payload){
		func(p *commonpb.Payload) { p.Data[20] ^= 1 },
		func(p *commonpb.Payload) { p.Data = p.Data[:5] },
		func(p *commonpb.Payload) { p.Metadata[metadataKeyID] = []byte("2026-01") },
	} {
		bad := &commonpb.Payload{Metadata: map[string][]byte{metadataEncoding: []byte(encrypted), metadataKeyID: []byte("2027-01")}, Data: bytes.Clone(p.GetData())}
		change(bad)
		require.Error(t, dc.FromPayload(bad, &got))
	}
	_, err = dc.ToPayload(make([]byte, MaxPayload+1))
	require.ErrorContains(t, err, "over the limit")
}

// Rotation step by step, as docs/security.md tells it: at no step is there a process that can't read another's payloads.
func TestRotation(t *testing.T) {
	first, err := NewKeyLine("one", "")
	require.NoError(t, err)
	second, err := NewKeyLine("two", "")
	require.NoError(t, err)
	steps := []string{"", first, first + second, second + first, second}
	keys := func(text string) Keys {
		if text == "" {
			return Keys{}
		}
		k, err := parseKeys(text)
		require.NoError(t, err)
		return k
	}
	for i := 2; i < len(steps)-1; i++ { // while some processes are a step behind
		for _, pair := range [][2]string{{steps[i-1], steps[i]}, {steps[i], steps[i-1]}} {
			p, err := keys(pair[0]).converter().ToPayload("x")
			require.NoError(t, err)
			var got string
			require.NoError(t, keys(pair[1]).converter().FromPayload(p, &got), "step %d", i)
			require.Equal(t, "x", got)
		}
	}
	plain, err := keys("").converter().ToPayload("from before")
	require.NoError(t, err)
	var got string
	require.NoError(t, keys(first).converter().FromPayload(plain, &got))
	require.Equal(t, "from before", got)
}

// about is a step on a queue, as the SDK tells of it on both sides.
func about(queue string) converter.SerializationContext {
	return converter.ActivitySerializationContext{TaskQueue: queue, ActivityType: "CreateVolume"}
}

// What a node gets and answers is under its own key: another node's opens nothing of it, nor of what the control plane keeps.
func TestAudiences(t *testing.T) {
	line := func(id, host string) string {
		text, err := NewKeyLine(id, host)
		require.NoError(t, err)
		return text
	}
	c, a, b := line("c", ""), line("a", "node-a"), line("b", "node-b")
	parse := func(text string) Keys {
		k, err := parseKeys(text)
		require.NoError(t, err)
		return k
	}
	control, nodeA, nodeB := parse(c+a+b), parse(a), parse(b)
	in := func(k Keys, ctx converter.SerializationContext) converter.DataConverter {
		return converter.WithDataConverterSerializationContext(k.converter(), ctx)
	}
	var got string
	for queue, key := range map[string]string{
		"storage/node-a@lvm": "a", "stats/node-a@lvm": "a", "data/node-a": "a", "host/node-a": "a", "storage/node-b@x": "b", "control": "c", "storage/node-z@lvm": "c", "data/": "c",
	} {
		p, err := in(control, about(queue)).ToPayload("plain")
		require.NoError(t, err)
		require.Equal(t, key, string(p.GetMetadata()[metadataKeyID]), queue)
		require.Equal(t, key == "a", in(nodeA, about(queue)).FromPayload(p, &got) == nil, queue)
		require.Equal(t, key == "b", in(nodeB, about(queue)).FromPayload(p, &got) == nil, queue)
		require.NoError(t, control.converter().FromPayload(p, &got))
		require.Equal(t, "plain", got)
	}
	p, err := in(control, converter.WorkflowSerializationContext{WorkflowID: "w"}).ToPayload("plain")
	require.NoError(t, err)
	require.ErrorContains(t, nodeA.converter().FromPayload(p, &got), "not among ours")
	answer, err := in(nodeA, about("storage/node-a@lvm")).ToPayload("done")
	require.NoError(t, err)
	require.NoError(t, control.converter().FromPayload(answer, &got))
	require.Error(t, nodeB.converter().FromPayload(answer, &got))

	// A failure of a node, too.
	f := converter.WithFailureConverterSerializationContext(nodeA.failures(), about("storage/node-a@lvm")).ErrorToFailure(temporal.NewApplicationError("very secret", "Busy"))
	require.NotContains(t, f.String(), "very secret")
	require.Equal(t, "a", string(f.GetEncodedAttributes().GetMetadata()[metadataKeyID]))

	// The rotation of a node's key, step by step: the control plane and the node are never at a step at which one can't read the other.
	second := line("a2", "node-a")
	steps := [][2]string{{c + a, a}, {c + a + second, a}, {c + a + second, a + second}, {c + second + a, a + second}, {c + second + a, second + a}, {c + second, second}}
	for i, step := range steps {
		from, to := parse(step[0]), parse(step[1])
		p, err := in(from, about("data/node-a")).ToPayload("in")
		require.NoError(t, err)
		require.NoError(t, in(to, about("data/node-a")).FromPayload(p, &got), "step %d", i)
		p, err = in(to, about("data/node-a")).ToPayload("out")
		require.NoError(t, err)
		require.NoError(t, in(from, about("data/node-a")).FromPayload(p, &got), "step %d", i)
	}
	for _, text := range []string{"a " + strings.Fields(a)[1] + " x/y\n", "a " + strings.Fields(a)[1] + " x y\n"} {
		_, err := parseKeys(text)
		require.ErrorContains(t, err, "line 1")
	}
	_, err = NewKeyLine("a", "x y")
	require.Error(t, err)
}

func TestFailuresAreEncrypted(t *testing.T) {
	k := newKeys(t, "one")
	fc := k.failures()
	f := fc.ErrorToFailure(temporal.NewApplicationError("login to 10.0.0.1 as very-secret refused", "ErrBusy"))
	require.NotContains(t, f.String(), "very-secret")
	require.ErrorContains(t, fc.FailureToError(f), "very-secret")
	k.reveal(f)
	require.Contains(t, f.GetMessage(), "very-secret")
	require.Contains(t, Keys{}.failures().ErrorToFailure(temporal.NewApplicationError("plain", "E")).String(), "plain")
}

func TestKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	line, err := NewKeyLine("one", "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(line), 0o600))
	k, err := ReadKeys(path)
	require.NoError(t, err)
	require.NotContains(t, k.String()+k.GoString(), strings.Fields(line)[1])
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = ReadKeys(path)
	require.ErrorContains(t, err, "chmod 600")
	_, err = ReadKeys(path + "nix")
	require.Error(t, err)
	for _, bad := range []string{"", "# nothing\n", "one\n", "one short\n", "o/ne " + line[4:], line + line, line + "two AAAA\n"} {
		_, err := parseKeys(bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), strings.Fields(line)[1])
	}
	_, err = NewKeyLine("a b", "")
	require.Error(t, err)
}

// BenchmarkPayload is what encrypting and decrypting costs a payload of a kilobyte.
func BenchmarkPayload(b *testing.B) {
	k := newKeys(b, "one")
	p, err := converter.GetDefaultDataConverter().ToPayload(make([]byte, 1024))
	require.NoError(b, err)
	for b.Loop() {
		sealed, err := k.Encode([]*commonpb.Payload{p})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := k.Decode(sealed); err != nil {
			b.Fatal(err)
		}
	}
}
