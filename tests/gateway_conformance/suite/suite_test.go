// The Gateway API's own conformance suite as a test binary, with all its flags.
package suite

import (
	"testing"

	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/gateway-api/conformance"
)

// The API that it is run against knows JSON only.
func TestConformance(t *testing.T) {
	options := conformance.DefaultOptions(t)
	options.RestConfig.ContentType = "application/json"
	var err error
	if options.Client, err = client.New(options.RestConfig, options.ClientOptions); err != nil {
		t.Fatal(err)
	}
	if options.Clientset, err = kubernetes.NewForConfig(options.RestConfig); err != nil {
		t.Fatal(err)
	}
	conformance.RunConformanceWithOptions(t, options)
}
