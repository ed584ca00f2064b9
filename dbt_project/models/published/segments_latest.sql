{# One row per customer and scheme: the newest as-of date, marked where the gate withheld newer ones. #}

{%- set columns = [
    'customer_id', 'id_type', 'as_of_date', 'scored_at', 'run_id', 'model_name', 'model_version', 'scheme',
    'is_eligible', 'ineligible_reason', 'status', 'quality_grade', 'is_holdout', 'consent_ads',
    'consent_profiling', 'segment_id', 'segment_key', 'segment_name', 'distance', 'runner_up_segment_id',
    'margin', 'stability_ari', 'size', 'rfm_cell',
] %}

{{ latest_scores(ref('segments'), columns, key=['customer_id', 'scheme']) }}
