{#
    Quintile of a value among the customers of the as-of date, 5 the highest; null when the date has no segments.

    Equal values share the quintile of their mid-rank: ntile would split them arbitrarily. Counts are whole numbers,
    so that no rounding moves a customer across a boundary.
#}
{% macro quintile(value) -%}
    case when counted.ineligible_reason is null then cast(least(5, 1 + floor(5.0 * (
        2 * rank() over (partition by orders.as_of_date order by orders.{{ value }}) - 2
        + count(*) over (partition by orders.as_of_date, orders.{{ value }})
    ) / (2 * counted.customers))) as integer) end
{%- endmacro %}

{# The segment of the quintiles of recency, frequency and monetary value: the first rule that holds. #}
{% macro rfm_segment() -%}
    case
        when recency_quintile is null then null
        when recency_quintile >= 4 and frequency_quintile + monetary_quintile >= 8 then 'champions'
        when recency_quintile >= 3 and frequency_quintile + monetary_quintile >= 6 then 'loyal'
        when recency_quintile >= 4 and frequency = 1 then 'new'
        when recency_quintile >= 4 then 'promising'
        when recency_quintile = 3 then 'needs_attention'
        when frequency_quintile + monetary_quintile >= 8 then 'cannot_lose'
        when frequency_quintile + monetary_quintile >= 6 then 'at_risk'
        when recency_quintile = 2 then 'hibernating'
        else 'lost'
    end
{%- endmacro %}
