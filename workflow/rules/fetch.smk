# Raw files and published weights: fetched, made by the digital heart, or already on disk (`raw:` of a cohort).
from study.study import IMAGENET


rule fetch_source:
    output:
        folder=directory("resources/raw/{source}"),
    log:
        "resources/logs/fetch_source/{source}.log",
    benchmark:
        "resources/benchmarks/fetch_source/{source}.tsv"
    wildcard_constraints:
        source=one_of(SOURCES.to_fetch()),
    # Small files and long waits: on a cluster they belong on the login node.
    localrule: True
    conda:
        "../../envs/fetch.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=1440,
    params:
        entry=SOURCES.entry,
        files=SOURCES.files,
        code=code_of("fetch_source.py"),
    script:
        "../scripts/fetch_source.py"


rule convert_weights:
    input:
        raw=SOURCES.weights_raw,
    output:
        weights="resources/models/{weights}/weights.safetensors",
        record="resources/models/{weights}/record.json",
    log:
        "resources/logs/convert_weights/{weights}.log",
    benchmark:
        "resources/benchmarks/convert_weights/{weights}.tsv"
    wildcard_constraints:
        weights=one_of(SOURCES.to_convert()),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        entry=SOURCES.conversion_entry,
        code=code_of("convert_weights.py"),
    script:
        "../scripts/convert_weights.py"


rule write_published_card:
    input:
        weights="resources/models/{weights}/weights.safetensors",
    output:
        card="resources/models/{weights}/README.md",
    log:
        "resources/logs/write_published_card/{weights}.log",
    benchmark:
        "resources/benchmarks/write_published_card/{weights}.tsv"
    wildcard_constraints:
        weights=one_of(SOURCES.to_convert()),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        entry=SOURCES.weights_entry,
        code=code_of("write_published_card.py"),
    script:
        "../scripts/write_published_card.py"


rule convert_imagenet:
    input:
        raw="resources/raw/imagenet_{encoder}",
    output:
        weights=IMAGENET,
    log:
        "resources/logs/convert_imagenet/{encoder}.log",
    benchmark:
        "resources/benchmarks/convert_imagenet/{encoder}.tsv"
    wildcard_constraints:
        encoder=one_of(SOURCES.encoders_to_convert()),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_of("convert_imagenet.py"),
    script:
        "../scripts/convert_imagenet.py"


rule make_phantom:
    output:
        raw=directory("results/{study}/phantom/{cohort}/{shard}"),
    log:
        "results/{study}/logs/make_phantom/{cohort}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/make_phantom/{cohort}/{shard}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=RAW.phantom,
        layout=RAW.layout,
        rows=COHORTS.shard_rows,
        code=code_of("make_phantom.py"),
    script:
        "../scripts/make_phantom.py"
