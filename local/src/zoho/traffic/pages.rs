//! Zoho's public pages, as the rules cite them.

pub(super) const REFRESH: &str =
    "Zoho CRM v8, Refresh Access Tokens: https://www.zoho.com/crm/developer/docs/api/v8/refresh.html";
pub(super) const TOKEN_VALIDITY: &str =
    "Zoho CRM v8, Token Validity: https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html";
pub(super) const REQUEST_METHODS: &str =
    "Zoho CRM v8, HTTP Request Methods: https://www.zoho.com/crm/developer/docs/api/v8/request-methods.html";
pub(super) const MODULES: &str =
    "Zoho CRM v8, Modules Metadata: https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html";
pub(super) const FIELDS: &str =
    "Zoho CRM v8, Fields Metadata: https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html";
pub(super) const INSERT: &str =
    "Zoho CRM v8, Insert Records: https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html";
pub(super) const UPDATE: &str =
    "Zoho CRM v8, Update Records: https://www.zoho.com/crm/developer/docs/api/v8/update-records.html";
pub(super) const UPSERT: &str =
    "Zoho CRM v8, Upsert Records: https://www.zoho.com/crm/developer/docs/api/v8/upsert-records.html";
pub(super) const GET_RECORDS: &str =
    "Zoho CRM v8, Get Records: https://www.zoho.com/crm/developer/docs/api/v8/get-records.html";
pub(super) const SEARCH: &str =
    "Zoho CRM v8, Search Records: https://www.zoho.com/crm/developer/docs/api/v8/search-records.html";
pub(super) const DELETE: &str =
    "Zoho CRM v8, Delete Records: https://www.zoho.com/crm/developer/docs/api/v8/delete-records.html";
pub(super) const DELETED: &str =
    "Zoho CRM v8, Get Deleted Records: https://www.zoho.com/crm/developer/docs/api/v8/get-deleted-records.html";
pub(super) const ADD_TAGS: &str =
    "Zoho CRM v8, Add Tags to Records: https://www.zoho.com/crm/developer/docs/api/v8/add-tags.html";
pub(super) const REMOVE_TAGS: &str =
    "Zoho CRM v8, Remove Tags from Records: https://www.zoho.com/crm/developer/docs/api/v8/remove-tags.html";
pub(super) const COQL: &str =
    "Zoho CRM v8, Query API: https://www.zoho.com/crm/developer/docs/api/v8/Get-Records-through-COQL-Query.html";
pub(super) const COQL_LIMITS: &str =
    "Zoho CRM v8, Query API, Limitations: https://www.zoho.com/crm/developer/docs/api/v8/COQL-Limitations.html";
/// Of an older version, whose smaller numbers some say still hold.
pub(super) const COQL_OLD_LIMITS: &str =
    "Zoho CRM v2, Query API, Limitations: https://www.zoho.com/crm/developer/docs/api/v2/COQL-Limitations.html";
pub(super) const COQL_QUESTIONS: &str =
    "Kaizen #171, FAQs on COQL: https://help.zoho.com/portal/en/community/topic/kaizen-171-faqs-on-coql-api";
pub(super) const WATCH: &str =
    "Zoho CRM v8, Enable Notifications: https://www.zoho.com/crm/developer/docs/api/v8/notifications/enable.html";
pub(super) const TRANSMISSION: &str =
    "Zoho Campaigns, Send Email API: https://www.zoho.com/campaigns/help/emailapi/transmission/send-email.html";
pub(super) const CAMPAIGNS: &str =
    "Zoho Campaigns, Email API, Authentication: https://www.zoho.com/campaigns/help/emailapi/authentication.html";
