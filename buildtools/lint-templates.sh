#!/bin/sh
# Lints the templates in four regions (.cfnlintrc), and the gate alone in the other partitions, where the pipeline
# is not offered: they have no connections to GitLab. A laptop may be without cfn-lint; CI may not.
set -eu
if ! command -v cfn-lint >/dev/null 2>&1; then
	if [ -n "${CI:-}" ]; then
		echo "templates: cfn-lint is missing, and CI has to use it: pip install cfn-lint" >&2
		exit 1
	fi
	echo "templates: NOT LINTED: cfn-lint is missing (pip install cfn-lint); CI has it" >&2
	exit 0
fi
cfn-lint
cfn-lint --regions cn-north-1 cn-northwest-1 us-gov-east-1 us-gov-west-1 --template infra/gate.yml
