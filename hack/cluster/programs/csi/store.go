package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// item is a volume or a snapshot: a folder with this as item.json and the files in data.
type item struct {
	Size    int64     // bytes; nobody enforces them
	Source  string    // what it was copied from: a snapshot, or a snapshot's volume
	Created time.Time // of a snapshot: when it was taken
}

// store keeps items. One is there completely or not at all, whenever the driver is killed.
type store struct {
	folder string
	making sync.Mutex
}

var errNone = errors.New("there is none of this id")

func openStore(folder string) (*store, error) {
	scratch := filepath.Join(folder, "scratch")
	if err := os.RemoveAll(scratch); err != nil {
		return nil, err
	}
	return &store{folder: folder}, os.MkdirAll(scratch, 0o700)
}

// idOf is the id that a name always gets, so that whoever asks twice finds what the first time has made.
func idOf(kind, name string) string {
	sum := sha256.Sum256([]byte(name))
	return kind + "-" + hex.EncodeToString(sum[:12])
}

// data is where the files are.
func (s *store) data(id string) string { return filepath.Join(s.folder, filepath.Base(id), "data") }

func (s *store) get(id string) (item, error) {
	var found item
	content, err := os.ReadFile(filepath.Join(s.folder, filepath.Base(id), "item.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return found, errNone
	}
	if err != nil {
		return found, err
	}
	return found, json.Unmarshal(content, &found)
}

// ensure returns the item of this id, which it makes if there is none.
func (s *store) ensure(id string, wanted item) (item, error) {
	s.making.Lock()
	defer s.making.Unlock()
	if found, err := s.get(id); !errors.Is(err, errNone) {
		return found, err
	}
	scratch, err := os.MkdirTemp(filepath.Join(s.folder, "scratch"), "")
	if err != nil {
		return item{}, err
	}
	defer os.RemoveAll(scratch)
	if err := s.fill(filepath.Join(scratch, "data"), wanted.Source); err != nil {
		return item{}, err
	}
	content, err := json.Marshal(wanted)
	if err != nil {
		return item{}, err
	}
	if err := os.WriteFile(filepath.Join(scratch, "item.json"), content, 0o600); err != nil {
		return item{}, err
	}
	return wanted, os.Rename(scratch, filepath.Join(s.folder, id))
}

func (s *store) fill(data, source string) error {
	if err := os.Mkdir(data, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(data, 0o777); err != nil { // whatever the umask
		return err
	}
	if source == "" {
		return nil
	}
	said, err := exec.Command("cp", "--archive", "--reflink=auto", s.data(source)+"/.", data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cp: %w: %s", err, said)
	}
	return nil
}

// remove is no error if there is none.
func (s *store) remove(id string) error {
	s.making.Lock()
	defer s.making.Unlock()
	scratch, err := os.MkdirTemp(filepath.Join(s.folder, "scratch"), "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	err = os.Rename(filepath.Join(s.folder, filepath.Base(id)), filepath.Join(scratch, "gone"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
