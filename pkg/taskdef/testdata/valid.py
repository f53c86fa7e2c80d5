"""Says of each task definition, one a line as JSON, whether botocore takes it for RegisterTaskDefinition: 1 or 0."""

import json
import sys

import botocore.session
from botocore.validate import ParamValidator

model = botocore.session.get_session().get_service_model("ecs")
shape = model.operation_model("RegisterTaskDefinition").input_shape
validator = ParamValidator()
for line in sys.stdin:
    document = json.loads(line)
    fits = isinstance(document, dict) and not validator.validate(document, shape).has_errors()
    print(int(fits))
