// Command logcheck checks a tiled transparency log with code that shares nothing with this project: the packages note and
// tlog of golang.org/x/mod/sumdb, which the Go checksum database runs on.
//
// It opens the checkpoint, rebuilds the whole tree from the entry bundles, compares every tile, and proves and checks
// inclusion and consistency. Exit status: 0 all held, 1 a check failed, 2 it was called wrongly.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of C2SP tlog-tiles: 256 hashes wide.
const tileHeight = 8

// entryBytes is the length of every entry of this log: the SHA-256 of a stored line.
const entryBytes = sha256.Size

func main() {
	prefix := flag.String("log", "", "folder or URL that holds checkpoint and tile/")
	key := flag.String("key", "", "verifier key of the log")
	old := flag.String("old", "", "file of an older checkpoint, to check consistency from")
	proofs := flag.String("proofs", "", "folder of X.tlog-proof with the exact line in X.line")
	flag.Parse()
	if *prefix == "" || *key == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(*key)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the key:", err)
		os.Exit(2)
	}
	log := &tileLog{prefix: strings.TrimSuffix(*prefix, "/"), verifier: verifier}
	if err := log.check(*old, *proofs); err != nil {
		fmt.Println("REFUSED:", err)
		os.Exit(1)
	}
	fmt.Println("VERIFIED")
}

type tileLog struct {
	prefix   string
	verifier note.Verifier
	tree     tlog.Tree
	stored   storedHashes
}

func (l *tileLog) check(old, proofs string) error {
	text, err := l.read("checkpoint")
	if err != nil {
		return err
	}
	if l.tree, err = l.openCheckpoint(text); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Printf("checkpoint: signed by %s, %d leaves, root %v\n", l.verifier.Name(), l.tree.N, l.tree.Hash)
	steps := []func() error{l.rebuild, l.compareTiles, l.checkInclusion}
	if old != "" {
		steps = append(steps, func() error { return l.checkConsistency(old) })
	}
	if proofs != "" {
		steps = append(steps, func() error { return l.checkProofs(proofs) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// rebuild hashes every entry of every bundle into a tree of its own and compares the root.
func (l *tileLog) rebuild() error {
	for n := int64(0); n < l.tree.N; n += 1 << tileHeight {
		tile := tlog.Tile{H: tileHeight, L: -1, N: n >> tileHeight, W: l.width(0, n>>tileHeight)}
		entries, err := l.readBundle(tile)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashesForRecordHash(n+int64(i), tlog.RecordHash(entry), l.stored)
			if err != nil {
				return err
			}
			l.stored = append(l.stored, hashes...)
		}
	}
	root, err := l.rootOf(l.tree.N)
	if err != nil {
		return err
	}
	if root != l.tree.Hash {
		return fmt.Errorf("rebuild: the bundles give root %v, the checkpoint says %v", root, l.tree.Hash)
	}
	fmt.Printf("rebuild: %d entries give the root\n", l.tree.N)
	return nil
}

// compareTiles compares each hash tile with what the rebuilt tree has in its place.
func (l *tileLog) compareTiles() error {
	count := 0
	for level := 0; l.tree.N>>(tileHeight*level) > 0; level++ {
		for n := int64(0); l.width(level, n) > 0; n++ {
			tile := tlog.Tile{H: tileHeight, L: level, N: n, W: l.width(level, n)}
			data, err := l.read(tilePath(tile))
			if err != nil {
				return err
			}
			expected, err := tlog.ReadTileData(tile, l.stored)
			if err != nil {
				return err
			}
			if !bytes.Equal(data, expected) {
				return fmt.Errorf("%s differs from the rebuilt tree", tilePath(tile))
			}
			count++
		}
	}
	fmt.Printf("tiles: %d are those of the tree\n", count)
	return nil
}

// checkInclusion proves leaves from the published tiles, which tlog authenticates, and checks the proofs.
func (l *tileLog) checkInclusion() error {
	reader := tlog.TileHashReader(l.tree, l)
	checked := map[int64]bool{}
	for i := int64(0); i <= 16 && l.tree.N > 0; i++ {
		checked[(l.tree.N-1)*i/16] = true
	}
	for n := range checked {
		proof, err := tlog.ProveRecord(l.tree.N, n, reader)
		if err != nil {
			return fmt.Errorf("inclusion of leaf %d: %w", n, err)
		}
		if err := tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, n, l.stored[tlog.StoredHashIndex(0, n)]); err != nil {
			return fmt.Errorf("inclusion of leaf %d: %w", n, err)
		}
	}
	fmt.Printf("inclusion: %d leaves proven from tiles\n", len(checked))
	return nil
}

// checkConsistency proves that the log is an extension of an older checkpoint.
func (l *tileLog) checkConsistency(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := l.openCheckpoint(text)
	if err != nil {
		return fmt.Errorf("older checkpoint: %w", err)
	}
	if old.N > l.tree.N {
		return fmt.Errorf("older checkpoint: it has %d leaves, more than %d", old.N, l.tree.N)
	}
	root, err := l.rootOf(old.N)
	if err != nil {
		return err
	}
	if root != old.Hash {
		return fmt.Errorf("consistency: the first %d leaves give root %v, the older checkpoint says %v", old.N, root, old.Hash)
	}
	if old.N > 0 {
		proof, err := tlog.ProveTree(l.tree.N, old.N, tlog.TileHashReader(l.tree, l))
		if err != nil {
			return fmt.Errorf("consistency: %w", err)
		}
		if err := tlog.CheckTree(proof, l.tree.N, l.tree.Hash, old.N, old.Hash); err != nil {
			return fmt.Errorf("consistency: %w", err)
		}
	}
	fmt.Printf("consistency: %d leaves are the beginning of %d\n", old.N, l.tree.N)
	return nil
}

// checkProofs checks proofs that the service made (C2SP tlog-proof) against the exact lines that they are about.
func (l *tileLog) checkProofs(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.tlog-proof"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("proofs: %s holds none", folder)
	}
	sort.Strings(files)
	for _, file := range files {
		if err := l.checkProof(file); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	fmt.Printf("proofs: %d of the service hold for their lines\n", len(files))
	return nil
}

func (l *tileLog) checkProof(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	line, err := os.ReadFile(strings.TrimSuffix(file, ".tlog-proof") + ".line")
	if err != nil {
		return err
	}
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return errors.New("malformed proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, text := range lines[2:] {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := l.openCheckpoint([]byte(checkpoint))
	if err != nil {
		return err
	}
	entry := sha256.Sum256(line)
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry[:]))
}

// openCheckpoint checks the signature of the log and reads origin, size and root (C2SP tlog-checkpoint).
func (l *tileLog) openCheckpoint(text []byte) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(l.verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != l.verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("it is of %q, not of %q", lines[0], l.verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("root %q", lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// rootOf is that of the first n rebuilt leaves. RFC 6962 gives the empty tree the hash of nothing.
func (l *tileLog) rootOf(n int64) (tlog.Hash, error) {
	if n == 0 {
		return sha256.Sum256(nil), nil
	}
	return tlog.TreeHash(n, l.stored)
}

func (l *tileLog) readBundle(tile tlog.Tile) ([][]byte, error) {
	data, err := l.read(tilePath(tile))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) >= 2 {
		length := int(binary.BigEndian.Uint16(data))
		if length != entryBytes || len(data) < 2+length {
			break
		}
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(data) > 0 || len(entries) != tile.W {
		return nil, fmt.Errorf("%s does not hold %d entries of %d bytes", tilePath(tile), tile.W, entryBytes)
	}
	return entries, nil
}

// width is how many hashes the n-th tile of a level has in this tree; 0 where it has no such tile.
func (l *tileLog) width(level int, n int64) int {
	left := l.tree.N>>(tileHeight*level) - n<<tileHeight
	if left > 1<<tileHeight {
		return 1 << tileHeight
	}
	return int(left)
}

func (l *tileLog) read(path string) ([]byte, error) {
	if !strings.HasPrefix(l.prefix, "http://") && !strings.HasPrefix(l.prefix, "https://") {
		return os.ReadFile(filepath.Join(l.prefix, filepath.FromSlash(path)))
	}
	answer, err := http.Get(l.prefix + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", path, answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}

// Height, ReadTiles and SaveTiles make the log a tlog.TileReader.
func (l *tileLog) Height() int { return tileHeight }

func (l *tileLog) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := l.read(tilePath(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (l *tileLog) SaveTiles([]tlog.Tile, [][]byte) {}

// storedHashes are those of the rebuilt tree, in the order of tlog.StoredHashIndex.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d is not stored", index)
		}
		hashes[i] = s[index]
	}
	return hashes, nil
}

// tilePath turns the path of the checksum database into that of C2SP tlog-tiles: no height, and entries for data.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if rest := strings.TrimPrefix(path, "data/"); rest != path {
		return "tile/entries/" + rest
	}
	return "tile/" + path
}
