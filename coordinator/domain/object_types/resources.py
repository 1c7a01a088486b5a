"""Resources and what only they refer to (source: see ``common.py``)."""

from __future__ import annotations

from coordinator.domain.object_types.common import (
    ANY_TYPE,
    BOOLEAN,
    INTEGER,
    PERIOD,
    POSITIVE,
    RUN,
    STRING,
    STRINGS,
)
from coordinator.domain.object_types.kinds import (
    Family,
    Fields,
    ObjectType,
    Reference,
    choice,
    fields,
)

_EBS = Reference(Family.EBS)
_MACHINES: Fields = {
    **RUN,
    **fields(STRING, "actionOnResourceFailure actionOnTaskFailure availabilityZone keyPair region"),
    **fields(STRING, "resourceRole role subnetId"),
    **fields(PERIOD, "initTimeout terminateAfter"),
    "httpProxy": Reference(Family.HTTP_PROXY, several=False),
    "useOnDemandOnLastAttempt": BOOLEAN,
}

_EC2: Fields = {
    **_MACHINES,
    "associatePublicIpAddress": BOOLEAN,
    **fields(STRING, "imageId instanceType runAsUser spotBidPrice logUri"),
    **fields(INTEGER, "instanceCount minInstanceCount"),
    **fields(STRINGS, "securityGroupIds securityGroups"),
}

_EMR: Fields = {
    **_MACHINES,
    **fields(STRINGS, "additionalMasterSecurityGroupIds additionalSlaveSecurityGroupIds"),
    **fields(STRINGS, "applications bootstrapAction supportedProducts"),
    **fields(STRING, "amiVersion emrLogUri enableDebugging hadoopVersion installHive releaseLabel"),
    **fields(STRING, "emrManagedMasterSecurityGroupId emrManagedSlaveSecurityGroupId"),
    **fields(STRING, "serviceAccessSecurityGroupId masterInstanceBidPrice masterInstanceType"),
    **fields(STRING, "coreInstanceBidPrice coreInstanceType taskInstanceBidPrice taskInstanceType"),
    **fields(INTEGER, "coreInstanceCount taskInstanceCount"),
    "hadoopSchedulerType": choice(
        "PARALLEL_FAIR_SCHEDULING", "PARALLEL_CAPACITY_SCHEDULING", "DEFAULT_SCHEDULER"
    ),
    **fields(
        Reference(Family.EMR_CONFIGURATION),
        "configuration coreGroupConfiguration masterGroupConfiguration taskGroupConfiguration",
    ),
    **fields(_EBS, "coreEbsConfiguration masterEbsConfiguration taskEbsConfiguration"),
    **fields(_EBS, "TaskEbsConfiguration EbsBlockDeviceConfig VolumeSpecification"),
}


def _ebs(own: Fields) -> ObjectType:
    return ObjectType(Family.EBS, {**ANY_TYPE, **own})


RESOURCES = {
    "Ec2Resource": ObjectType(Family.RESOURCE, _EC2),
    "EmrCluster": ObjectType(Family.RESOURCE, _EMR),
}

RESOURCE_PARTS = {
    "EbsBlockDeviceConfig": _ebs({"volumesPerInstance": POSITIVE, "volumeSpecification": _EBS}),
    "EbsConfiguration": _ebs({"ebsOptimized": BOOLEAN, "ebsBlockDeviceConfig": _EBS}),
    "EmrConfiguration": ObjectType(
        Family.EMR_CONFIGURATION,
        {
            **ANY_TYPE,
            "classification": STRING,
            "configuration": Reference(Family.EMR_CONFIGURATION),
            "property": Reference(Family.PROPERTY),
        },
        required=("classification",),
    ),
    "HttpProxy": ObjectType(
        Family.HTTP_PROXY,
        {
            **ANY_TYPE,
            **fields(STRING, "hostname port username *password windowsDomain windowsWorkgroup"),
            "s3NoProxy": BOOLEAN,
        },
        required=("hostname", "port"),
    ),
    "Property": ObjectType(
        Family.PROPERTY, {**ANY_TYPE, **fields(STRING, "key value")}, required=("key", "value")
    ),
    "VolumeSpecification": _ebs({**fields(POSITIVE, "sizeInGB iops"), "volumeType": STRING}),
}
