package main

import (
	"context"
	"errors"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// unit is what sizes are rounded up to, as the drivers of the clouds do: so a volume is larger than it was asked for.
const unit = 1 << 28

type controller struct {
	csi.UnimplementedControllerServer
	store *store
}

func (c *controller) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	response := &csi.ControllerGetCapabilitiesResponse{}
	for _, each := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
	} {
		rpc := &csi.ControllerServiceCapability_RPC{Type: each}
		response.Capabilities = append(response.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: rpc},
		})
	}
	return response, nil
}

func (c *controller) CreateVolume(
	_ context.Context, request *csi.CreateVolumeRequest,
) (*csi.CreateVolumeResponse, error) {
	if request.GetName() == "" {
		return nil, status.Error(codes.InvalidArgument, "the volume has no name")
	}
	if err := mountable(request.GetVolumeCapabilities()); err != nil {
		return nil, err
	}
	wanted := item{Size: rounded(request.GetCapacityRange().GetRequiredBytes())}
	if limit := request.GetCapacityRange().GetLimitBytes(); limit > 0 && limit < wanted.Size {
		return nil, status.Errorf(codes.OutOfRange, "volumes have multiples of %d bytes", unit)
	}
	if source := request.GetVolumeContentSource(); source != nil {
		wanted.Source = source.GetSnapshot().GetSnapshotId()
		snapshot, err := c.store.get(wanted.Source)
		if err != nil {
			return nil, told(err)
		}
		if snapshot.Size > wanted.Size {
			return nil, status.Errorf(codes.OutOfRange, "the snapshot has %d bytes", snapshot.Size)
		}
	}
	id := idOf("volume", request.GetName())
	made, err := c.store.ensure(id, wanted)
	if err != nil {
		return nil, told(err)
	}
	if made.Size != wanted.Size || made.Source != wanted.Source {
		return nil, status.Errorf(codes.AlreadyExists, "another volume has the name %s", request.GetName())
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId:      id,
		CapacityBytes: made.Size,
		ContentSource: request.GetVolumeContentSource(),
	}}, nil
}

func (c *controller) DeleteVolume(
	_ context.Context, request *csi.DeleteVolumeRequest,
) (*csi.DeleteVolumeResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, status.Error(codes.InvalidArgument, "no volume is named")
	}
	return &csi.DeleteVolumeResponse{}, told(c.store.remove(request.GetVolumeId()))
}

func (c *controller) ValidateVolumeCapabilities(
	_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest,
) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if request.GetVolumeId() == "" || len(request.GetVolumeCapabilities()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "no volume or no capabilities are named")
	}
	if _, err := c.store.get(request.GetVolumeId()); err != nil {
		return nil, told(err)
	}
	if err := mountable(request.GetVolumeCapabilities()); err != nil {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: err.Error()}, nil
	}
	confirmed := &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeCapabilities: request.GetVolumeCapabilities(),
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: confirmed}, nil
}

func (c *controller) CreateSnapshot(
	_ context.Context, request *csi.CreateSnapshotRequest,
) (*csi.CreateSnapshotResponse, error) {
	if request.GetName() == "" || request.GetSourceVolumeId() == "" {
		return nil, status.Error(codes.InvalidArgument, "the snapshot has no name or no volume")
	}
	volume, err := c.store.get(request.GetSourceVolumeId())
	if err != nil {
		return nil, told(err)
	}
	id := idOf("snapshot", request.GetName())
	made, err := c.store.ensure(id, item{volume.Size, request.GetSourceVolumeId(), time.Now()})
	if err != nil {
		return nil, told(err)
	}
	if made.Source != request.GetSourceVolumeId() {
		return nil, status.Errorf(codes.AlreadyExists, "another snapshot has the name %s", request.GetName())
	}
	return &csi.CreateSnapshotResponse{Snapshot: &csi.Snapshot{
		SnapshotId:     id,
		SourceVolumeId: made.Source,
		SizeBytes:      made.Size,
		CreationTime:   timestamppb.New(made.Created),
		ReadyToUse:     true,
	}}, nil
}

func (c *controller) DeleteSnapshot(
	_ context.Context, request *csi.DeleteSnapshotRequest,
) (*csi.DeleteSnapshotResponse, error) {
	if request.GetSnapshotId() == "" {
		return nil, status.Error(codes.InvalidArgument, "no snapshot is named")
	}
	return &csi.DeleteSnapshotResponse{}, told(c.store.remove(request.GetSnapshotId()))
}

func mountable(capabilities []*csi.VolumeCapability) error {
	if len(capabilities) == 0 {
		return status.Error(codes.InvalidArgument, "no capabilities are named")
	}
	for _, each := range capabilities {
		if each.GetMount() == nil {
			return status.Error(codes.InvalidArgument, "volumes are folders, not block devices")
		}
	}
	return nil
}

func rounded(bytes int64) int64 { return max(unit, (bytes+unit-1)/unit*unit) }

func told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNone):
		return status.Error(codes.NotFound, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}
