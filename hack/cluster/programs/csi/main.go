// Command csi is the CSI driver of the local cluster: volumes are folders of the node, a snapshot is a copy of
// one, and the kubelet finds it by itself. It takes the place of kubernetes-csi's driver for host paths and of its
// registrar, whose modules could not be had; the provisioner and the snapshotter beside it are theirs.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	endpoint := flag.String("endpoint", "", "socket of the driver")
	registrar := flag.String("registration", "", "socket by which the kubelet finds it")
	folder := flag.String("folder", "", "where volumes and snapshots are")
	name := flag.String("name", "", "the driver's name")
	node := flag.String("node", "", "the node's name")
	flag.Parse()

	store, err := openStore(*folder)
	if err != nil {
		end(err)
	}
	driver, plugin := grpc.NewServer(), grpc.NewServer()
	csi.RegisterIdentityServer(driver, &identity{name: *name})
	csi.RegisterControllerServer(driver, &controller{store: store})
	csi.RegisterNodeServer(driver, &nodeService{store: store, name: *node})
	registration.RegisterRegistrationServer(plugin, &registrationService{name: *name, endpoint: *endpoint})

	ended := make(chan error, 2)
	for _, each := range []struct {
		server *grpc.Server
		socket string
	}{{driver, *endpoint}, {plugin, *registrar}} {
		listener, err := listen(each.socket)
		if err != nil {
			end(err)
		}
		go func() { ended <- each.server.Serve(listener) }()
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-ended:
		end(err)
	case <-told:
		driver.Stop()
		plugin.Stop()
	}
}

// listen takes the place of a socket that a killed driver has left.
func listen(socket string) (net.Listener, error) {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return net.Listen("unix", socket)
}

func end(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
