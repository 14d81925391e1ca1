package main

import (
	"bufio"
	"context"
	"os"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// nodeService mounts a volume's folder where the kubelet wants it.
type nodeService struct {
	csi.UnimplementedNodeServer
	store *store
	name  string
}

func (n *nodeService) NodeGetCapabilities(
	context.Context, *csi.NodeGetCapabilitiesRequest,
) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

func (n *nodeService) NodeGetInfo(
	context.Context, *csi.NodeGetInfoRequest,
) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.name}, nil
}

func (n *nodeService) NodePublishVolume(
	_ context.Context, request *csi.NodePublishVolumeRequest,
) (*csi.NodePublishVolumeResponse, error) {
	target := request.GetTargetPath()
	if request.GetVolumeId() == "" || target == "" || request.GetVolumeCapability() == nil {
		return nil, status.Error(codes.InvalidArgument, "no volume, no path or no capability is named")
	}
	if _, err := n.store.get(request.GetVolumeId()); err != nil {
		return nil, told(err)
	}
	already, err := mounted(target)
	if err != nil || already {
		return &csi.NodePublishVolumeResponse{}, told(err)
	}
	if err := os.MkdirAll(target, 0o750); err != nil {
		return nil, told(err)
	}
	if err := unix.Mount(n.store.data(request.GetVolumeId()), target, "", unix.MS_BIND, ""); err != nil {
		return nil, told(err)
	}
	if request.GetReadonly() {
		err = unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	return &csi.NodePublishVolumeResponse{}, told(err)
}

func (n *nodeService) NodeUnpublishVolume(
	_ context.Context, request *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	target := request.GetTargetPath()
	if request.GetVolumeId() == "" || target == "" {
		return nil, status.Error(codes.InvalidArgument, "no volume or no path is named")
	}
	found, err := mounted(target)
	if err != nil {
		return nil, told(err)
	}
	if found {
		if err := unix.Unmount(target, 0); err != nil {
			return nil, told(err)
		}
	}
	if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
		return nil, told(err)
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

func mounted(target string) (bool, error) {
	mounts, err := os.Open("/proc/self/mounts")
	if err != nil {
		return false, err
	}
	defer mounts.Close()
	lines := bufio.NewScanner(mounts)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[1] == target {
			return true, nil
		}
	}
	return false, lines.Err()
}
