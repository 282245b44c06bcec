/* The 21 definitions that a session leads to, and what their values look like. */
#include "corpus_maker.h"

#include <stddef.h>

WORDS(ids, UUID);
WORDS(contact_uris, "/api/v2/externalcontacts/contacts/" UUID);
WORDS(conversation_uris, "/api/v2/conversations/" UUID);
WORDS(outcome_uris, "/api/v2/journey/outcomes/" UUID);
WORDS(segment_uris, "/api/v2/journey/segments/" UUID);
WORDS(session_uris, "/api/v2/journey/sessions/" UUID,
      "https://api.example.com/api/v2/journey/sessions/" UUID);
WORDS(queue_uris, "/api/v2/routing/queues/" UUID);
WORDS(user_uris, "/api/v2/users/" UUID);
WORDS(customer_ids, UUID, UUID, "+61 491 570 " DIGIT DIGIT DIGIT, WORD ".tanaka@example.org");
WORDS(customer_id_types, "cookie", "cookie", "email", "phone");
WORDS(external_ids, "shop-2026-01" DIGIT DIGIT "-00" DIGIT DIGIT DIGIT);
WORDS(external_urls, "https://crm.example.com/visits/" DIGIT DIGIT DIGIT DIGIT "?view=full");
WORDS(short_ids, DIGIT DIGIT DIGIT DIGIT, DIGIT DIGIT DIGIT DIGIT DIGIT DIGIT);
WORDS(ip_addresses, "203.0.113." DIGIT DIGIT, "198.51.100." DIGIT,
      "2001:db8:" HEX HEX "::" HEX ":1" HEX);
WORDS(organizations, "Beispielnetz Süd GmbH", "Example Mobile Pty Ltd", "Example Networks, Inc.");
WORDS(searches, WORD, WORD " " WORD, WORD " größe m", "lenkertasche 🚲");
WORDS(directions, "Inbound", "Outbound", "Unknown");
WORDS(subjects, SENTENCE, "返品について / Return of order " DIGIT DIGIT DIGIT DIGIT DIGIT);
WORDS(disconnects, "Client", "Endpoint", "System", "Transfer", "SessionExpired");
WORDS(acd_outcomes, "Answered", "Abandon", "FlowOut");
WORDS(screens, "Menu ▸ Entrées", "Basket", "Product " DIGIT DIGIT, "Checkout");
WORDS(user_agents, "Mozilla/5.0 (X11; Linux x86_64; rv:14" DIGIT ".0) Gecko/20100101 Firefox/147.0",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/15" DIGIT ".0.0.0 Safari/537.36",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_" DIGIT " like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Version/18." DIGIT " Mobile/15E148 Safari/604.1");
static const struct range seconds = { 0, 5000 };
static const struct range views = { 0, 120 };

WORDS(data_types, "string", "string", "integer", "number", "boolean", "STRING");
WORDS(data_values, SENTENCE, UUID, DIGIT DIGIT ".90", "true", "0001" DIGIT DIGIT DIGIT DIGIT, WORD,
      DIGIT, WORD " " WORD);
DEFINITION(attribute, { "dataType", { ALWAYS }, make_string, &data_types },
           { "value", { ALWAYS }, make_string, &data_values });
DEFINITION(attribute_list, { "dataType", { ALWAYS }, make_string, &data_types },
           { "values", { EVER(950) }, make_strings, &data_values });

#define REFERENCE(name, id_often, uri_often, uris)              \
    DEFINITION(name, { "id", { id_often }, make_string, &ids }, \
               { "selfUri", { uri_often }, make_string, &(uris) })
REFERENCE(contact, EVER(980), EVER(960), contact_uris);
REFERENCE(conversation, EVER(980), EVER(960), conversation_uris);
REFERENCE(queue, EVER(980), EVER(960), queue_uris);
REFERENCE(user, EVER(980), EVER(960), user_uris);
REFERENCE(agent, EVER(980), EVER(960), user_uris);
REFERENCE(outcome, ALWAYS, ALWAYS, outcome_uris);
REFERENCE(segment, ALWAYS, ALWAYS, segment_uris);

DEFINITION(achievement, { "outcome", { ALWAYS }, make_object, &outcome },
           { "achievedDate", { ALWAYS }, make_date, NULL });
DEFINITION(assignment, { "segment", { ALWAYS }, make_object, &segment },
           { "assignedDate", { ALWAYS }, make_date, NULL });

WORDS(browsers, "Chrome", "Firefox", "Safari", "Samsung Internet");
WORDS(versions, "1" DIGIT DIGIT, "1" DIGIT DIGIT ".0.52" DIGIT DIGIT "." DIGIT, DIGIT "." DIGIT);
WORDS(locales, "de-AT", "en-AU", "en", "ja-JP", "sv-SE");
WORDS(fingerprints, HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX);
static const struct range pixels = { 320, 3840 };
static const struct range densities = { 1, 4 };
DEFINITION(browser, { "family", { ALWAYS }, make_string, &browsers },
           { "version", { ALWAYS }, make_string, &versions },
           { "lang", { EVER(900) }, make_string, &locales },
           { "fingerprint", { EVER(800) }, make_string, &fingerprints },
           { "isMobile", { EVER(700) }, make_boolean, NULL },
           { "viewHeight", { EVER(920) }, make_whole, &pixels },
           { "viewWidth", { EVER(920) }, make_whole, &pixels },
           { "featuresFlash", { ALWAYS }, make_boolean, NULL },
           { "featuresJava", { ALWAYS }, make_boolean, NULL },
           { "featuresPdf", { ALWAYS }, make_boolean, NULL },
           { "featuresWebrtc", { ALWAYS }, make_boolean, NULL });

WORDS(categories, "desktop", "mobile", "tablet", "other");
WORDS(models, "iPhone", "iPad", "Unknown", "Pixel " DIGIT);
WORDS(systems, "iOS", "Linux", "Windows", "Android", "Mac OS X");
WORDS(system_versions, "Unknown", "1" DIGIT "." DIGIT, "1" DIGIT);
WORDS(manufacturers, "Apple", "Example Electronics", "Google");
DEFINITION(device, { "category", { ALWAYS }, make_string, &categories },
           { "type", { ALWAYS }, make_string, &models },
           { "isMobile", { ALWAYS }, make_boolean, NULL },
           { "screenHeight", { 900, 950, 900 }, make_whole, &pixels },
           { "screenWidth", { 900, 950, 900 }, make_whole, &pixels },
           { "screenDensity", { 800, 950, 800 }, make_whole, &densities },
           { "fingerprint", { EVER(750) }, make_string, &fingerprints },
           { "osFamily", { ALWAYS }, make_string, &systems },
           { "osVersion", { ALWAYS }, make_string, &system_versions },
           { "manufacturer", { 100, 850, 300 }, make_string, &manufacturers });

WORDS(countries, "AT", "AU", "DE", "JP", "SE");
WORDS(country_names, "Austria", "Australia", "Germany", "Japan", "Sweden");
WORDS(cities, "Graz", "Melbourne", "Köln", "Malmö", "東京", "Frankfurt am Main");
WORDS(postal_codes, DIGIT DIGIT DIGIT DIGIT, "0" DIGIT DIGIT DIGIT DIGIT, "SE-1" DIGIT DIGIT " 20");
WORDS(regions, "6", "VIC", "NW", "13");
WORDS(region_names, "Steiermark", "Victoria", "Nordrhein-Westfalen", "Skåne");
WORDS(sources, "ip");
WORDS(timezones, "Europe/Vienna", "Australia/Melbourne", "Asia/Tokyo");
static const struct range latitudes = { -90, 90 };
static const struct range longitudes = { -180, 180 };
DEFINITION(geolocation, { "country", { EVER(980) }, make_string, &countries },
           { "countryName", { EVER(960) }, make_string, &country_names },
           { "latitude", { EVER(940) }, make_degrees, &latitudes },
           { "longitude", { EVER(940) }, make_degrees, &longitudes },
           { "locality", { EVER(880) }, make_string, &cities },
           { "postalCode", { EVER(780) }, make_string, &postal_codes },
           { "region", { EVER(860) }, make_string, &regions },
           { "regionName", { EVER(850) }, make_string, &region_names },
           { "source", { EVER(900) }, make_string, &sources },
           { "timezone", { EVER(830) }, make_string, &timezones });

WORDS(urls, "https://shop.example.com/de/" WORD "/" WORD "?order=WMBK0620" DIGIT DIGIT DIGIT "#top",
      "https://www.example.org/search?q=" WORD "+" WORD "&page=" DIGIT,
      "https://shop.example.com/en/products/" DIGIT DIGIT DIGIT DIGIT);
WORDS(titles, "Danke für Ihre Bestellung – Radhaus", WORD " " WORD " | Example Shop", SENTENCE);
WORDS(domains, "example.com", "example.org");
WORDS(fragments, "top", "receipt", WORD);
WORDS(hosts, "shop.example.com", "www.example.org", "example.com");
WORDS(keywords, WORD ", " WORD, WORD, WORD " " WORD);
WORDS(languages, "de", "en", "ja", "sv");
WORDS(paths, "/de/checkout/done", "/search", "/en/products/" DIGIT DIGIT DIGIT DIGIT, "/");
WORDS(queries, "order=WMBK0620" DIGIT DIGIT DIGIT, "q=" WORD "+" WORD, "page=" DIGIT);
WORDS(crumbs, SENTENCE, WORD, "Radhaus", "Kasse", "Bestätigung", "Products");
DEFINITION(page, { "url", { ALWAYS }, make_string, &urls },
           { "title", { EVER(920) }, make_string, &titles },
           { "domain", { ALWAYS }, make_string, &domains },
           { "fragment", { EVER(260) }, make_string, &fragments },
           { "hostname", { ALWAYS }, make_string, &hosts },
           { "keywords", { EVER(420) }, make_string, &keywords },
           { "lang", { EVER(870) }, make_string, &languages },
           { "pathname", { ALWAYS }, make_string, &paths },
           { "queryString", { EVER(530) }, make_string, &queries },
           { "breadcrumb", { EVER(760) }, make_strings, &crumbs });

WORDS(contents, "textlink", "banner-" DIGIT, WORD);
WORDS(media, "cpc", "email", "social");
WORDS(campaigns, "winterschluss", "spring-" DIGIT DIGIT, WORD "_" WORD);
WORDS(networks, "example-ads", "example-search");
WORDS(clicks, "EAIaIQobChMI-" HEX HEX HEX HEX DIGIT DIGIT DIGIT);
DEFINITION(campaign, { "content", { EVER(600) }, make_string, &contents },
           { "medium", { EVER(950) }, make_string, &media },
           { "name", { EVER(930) }, make_string, &campaigns },
           { "source", { EVER(940) }, make_string, &networks },
           { "term", { EVER(480) }, make_string, &keywords },
           { "clickId", { EVER(560) }, make_string, &clicks },
           { "network", { EVER(540) }, make_string, &networks });

WORDS(site_names, "Example Search", "Beispielsuche", "例の検索");
WORDS(referrals, "internal", "search", "social", "email", "unknown", "paid");
DEFINITION(referrer, { "url", { ALWAYS }, make_string, &urls },
           { "domain", { ALWAYS }, make_string, &domains },
           { "hostname", { ALWAYS }, make_string, &hosts },
           { "keywords", { EVER(330) }, make_string, &keywords },
           { "pathname", { ALWAYS }, make_string, &paths },
           { "queryString", { EVER(440) }, make_string, &queries },
           { "fragment", { EVER(130) }, make_string, &fragments },
           { "name", { EVER(620) }, make_string, &site_names },
           { "medium", { ALWAYS }, make_string, &referrals });

WORDS(apps, "Café Perdu", "Radhaus", "Example Shop");
WORDS(namespaces, "com.example.cafeperdu", "org.example.shop");
WORDS(builds, "0" DIGIT DIGIT DIGIT, DIGIT DIGIT);
WORDS(libraries, "journey-javascript-sdk", "GenesysCloudMessengerJourney");
WORDS(carriers, "Example Mobile", "Beispielfunk", "例電話");
DEFINITION(app, { "name", { ALWAYS }, make_string, &apps },
           { "namespace", { ALWAYS }, make_string, &namespaces },
           { "version", { ALWAYS }, make_string, &versions },
           { "buildNumber", { ALWAYS }, make_string, &builds });
DEFINITION(library, { "name", { ALWAYS }, make_string, &libraries },
           { "version", { ALWAYS }, make_string, &versions });
DEFINITION(connectivity, { "carrier", { EVER(740) }, make_string, &carriers },
           { "bluetoothEnabled", { ALWAYS }, make_boolean, NULL },
           { "cellularEnabled", { ALWAYS }, make_boolean, NULL },
           { "wifiEnabled", { ALWAYS }, make_boolean, NULL });

WORDS(events, "page_viewed", "screen_viewed", "product_added", "order_placed", "wrapup_completed");
DEFINITION(event, { "id", { ALWAYS }, make_string, &ids },
           { "eventName", { ALWAYS }, make_string, &events },
           { "createdDate", { ALWAYS }, make_date, NULL });

WORDS(codes, "Refund agreed", "Resolved", "Follow-up " WORD);
WORDS(notes, SENTENCE, SENTENCE ".\\n\\\"" SENTENCE "\\\"; photos are in C:\\\\mail.",
      "お客様は返金に同意しました。" SENTENCE);
DEFINITION(disposition, { "code", { ALWAYS }, make_string, &codes },
           { "notes", { EVER(700) }, make_string, &notes },
           { "user", { ALWAYS }, make_object, &user });

WORDS(channels, "Email", "Message", "Call", "Webchat");
WORDS(message_types, "WhatsApp", "Sms", "WebMessaging");
WORDS(platforms, "PureCloud Email", "PureCloud Messaging");
DEFINITION(channel, { "type", { ALWAYS }, make_string, &channels },
           { "messageType", { EVER(520) }, make_string, &message_types },
           { "platform", { EVER(930) }, make_string, &platforms });

static const struct member session_members[] = {
    { "id", { ALWAYS }, make_string, &ids },
    { "externalContact", { 620, 580, 950 }, make_object, &contact },
    { "customerId", { 960, 950, 970 }, make_string, &customer_ids },
    { "customerIdType", { 960, 950, 970 }, make_string, &customer_id_types },
    { "type", { ALWAYS }, make_session_type, NULL },
    { "externalId", { 230, 120, 240 }, make_string, &external_ids },
    { "externalUrl", { 210, 110, 220 }, make_string, &external_urls },
    { "shortId", { 890, 900, 910 }, make_string, &short_ids },
    { "outcomeAchievements", { 640, 560, 430 }, make_objects, &achievement },
    { "segmentAssignments", { 850, 840, 640 }, make_objects, &assignment },
    { "attributes", { 870, 860, 760 }, make_map, &attribute },
    { "attributeLists", { 360, 340, 320 }, make_map, &attribute_list },
    { "browser", { 990, 20, 250 }, make_object, &browser },
    { "device", { 990, 990, 260 }, make_object, &device },
    { "geolocation", { 930, 940, 310 }, make_object, &geolocation },
    { "ipAddress", { 870, 890, 290 }, make_string, &ip_addresses },
    { "ipOrganization", { 790, 810, 230 }, make_string, &organizations },
    { "lastPage", { 985, 10, 120 }, make_object, &page },
    { "mktCampaign", { 530, 90, 60 }, make_object, &campaign },
    { "referrer", { 760, 30, 80 }, make_object, &referrer },
    { "app", { 5, 990, 30 }, make_object, &app },
    { "sdkLibrary", { 970, 980, 40 }, make_object, &library },
    { "networkConnectivity", { 5, 960, 20 }, make_object, &connectivity },
    { "searchTerms", { 490, 470, 70 }, make_strings, &searches },
    { "userAgentString", { 980, 390, 140 }, make_string, &user_agents },
    { "durationInSeconds", { 970, 975, 980 }, make_whole, &seconds },
    { "eventCount", { ALWAYS }, make_whole, &views },
    { "pageviewCount", { 990, 10, 50 }, make_whole, &views },
    { "screenviewCount", { 10, 990, 20 }, make_whole, &views },
    { "lastEvent", { ALWAYS }, make_object, &event },
    { "conversation", { 60, 50, 995 }, make_object, &conversation },
    { "lastConnectedQueue", { 40, 30, 880 }, make_object, &queue },
    { "lastConnectedUser", { 35, 25, 860 }, make_object, &agent },
    { "lastUserDisposition", { 30, 20, 740 }, make_object, &disposition },
    { "conversationChannels", { 65, 55, 970 }, make_objects, &channel },
    { "originatingDirection", { 70, 60, 985 }, make_string, &directions },
    { "conversationSubject", { 15, 10, 590 }, make_string, &subjects },
    { "lastUserDisconnectType", { 25, 20, 830 }, make_string, &disconnects },
    { "lastAcdOutcome", { 20, 15, 820 }, make_string, &acd_outcomes },
    { "authenticated", { ALWAYS }, make_boolean, NULL },
    { "divisionIds", { 910, 920, 930 }, make_strings, &ids },
    { "lastScreen", { 10, 940, 15 }, make_string, &screens },
    { "selfUri", { 985, 980, 990 }, make_string, &session_uris },
    { "createdDate", { ALWAYS }, make_date, NULL },
    { "endedDate", { 770, 760, 810 }, make_date, NULL },
    { "awayDate", { 880, 870, 330 }, make_date, NULL },
    { "idleDate", { 875, 865, 325 }, make_date, NULL }
};
const struct definition corpus_session = { session_members, LENGTH(session_members) };
