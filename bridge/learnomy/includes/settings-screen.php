<?php
/**
 * The screen "Learnomy Settings".
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Shows the connection and the settings; what is sent goes to Settings_Save.
 */
final class Settings_Screen {

	const SLUG = 'learnomy-settings';

	/**
	 * Registers the callbacks.
	 */
	public static function init(): void {
		add_action( 'admin_menu', array( self::class, 'add_menu' ) );
		add_action( 'admin_post_' . Settings_Save::ACTION, array( Settings_Save::class, 'serve' ) );
		add_filter( 'plugin_action_links_learnomy/learnomy.php', array( self::class, 'add_link' ) );
	}

	/**
	 * The capability that the screen asks for.
	 *
	 * @return string
	 */
	public static function capability(): string {
		return current_user_can( 'learnomy_manage' ) ? 'learnomy_manage' : 'manage_options';
	}

	/**
	 * Adds the menu.
	 */
	public static function add_menu(): void {
		$title = __( 'Learnomy Settings', 'learnomy' );
		add_menu_page( $title, $title, self::capability(), self::SLUG, array( self::class, 'show' ), 'dashicons-welcome-learn-more', 58 );
	}

	/**
	 * Adds a link to the list of plugins.
	 *
	 * @param string[] $links Links.
	 * @return string[]
	 */
	public static function add_link( $links ): array {
		$links = (array) $links;
		array_unshift( $links, '<a href="' . esc_url( self::url() ) . '">' . esc_html__( 'Settings', 'learnomy' ) . '</a>' );
		return $links;
	}

	/**
	 * The screen's address.
	 *
	 * @return string
	 */
	public static function url(): string {
		return admin_url( 'admin.php?page=' . self::SLUG );
	}

	/**
	 * Shows the screen.
	 */
	public static function show(): void {
		if ( ! current_user_can( self::capability() ) ) {
			return;
		}
		echo '<div class="wrap"><h1>' . esc_html__( 'Learnomy Settings', 'learnomy' ) . '</h1>';
		self::show_notices();
		self::show_connection();
		if ( Bridge_Options::is_paired() ) {
			self::show_academy();
		}
		self::show_bridge();
		echo '</div>';
	}

	/**
	 * Shows what the last form led to.
	 */
	private static function show_notices(): void {
		$key     = Settings_Save::notice_key();
		$notices = get_transient( $key );
		if ( ! is_array( $notices ) ) {
			return;
		}
		delete_transient( $key );
		foreach ( $notices as $notice ) {
			printf(
				'<div class="notice notice-%1$s is-dismissible" role="%2$s"><p>%3$s</p></div>',
				esc_attr( $notice['type'] ),
				'error' === $notice['type'] ? 'alert' : 'status',
				esc_html( $notice['text'] )
			);
		}
	}

	/**
	 * Shows the state of the connection, and the button that makes it.
	 */
	private static function show_connection(): void {
		$is_paired = Bridge_Options::is_paired();
		echo '<h2>' . esc_html__( 'Connection', 'learnomy' ) . '</h2>';
		if ( $is_paired ) {
			$ping = Channel::call( 'ping', array() );
			$text = is_wp_error( $ping )
				? __( 'Paired, but the backend does not answer. Site Health says why.', 'learnomy' )
				/* translators: %s: version. */
				: sprintf( __( 'Connected. The backend is version %s.', 'learnomy' ), (string) ( $ping['backend_version'] ?? '?' ) );
			echo '<p><strong>' . esc_html( $text ) . '</strong> <a href="' . esc_url( admin_url( 'site-health.php' ) ) . '">' . esc_html__( 'Site Health', 'learnomy' ) . '</a></p>';
		} else {
			echo '<p><strong>' . esc_html__( 'Not connected.', 'learnomy' ) . '</strong> ' . esc_html__( 'Start the backend on this server and press Connect. Leave the address empty to look in the usual places.', 'learnomy' ) . '</p>';
		}
		self::open_form( 'connect' );
		echo '<table class="form-table" role="presentation">';
		$fixed = defined( 'LEARNOMY_BACKEND' );
		Settings_Fields::text( 'address', __( 'Address of the backend', 'learnomy' ), Bridge_Options::address(), $fixed ? __( 'Set by LEARNOMY_BACKEND in wp-config.php.', 'learnomy' ) : __( 'For example http://127.0.0.1:8000 or unix:/run/learnomy/learnomy.sock.', 'learnomy' ), $fixed );
		Settings_Fields::text( 'loopback', __( 'Address for calls of the backend', 'learnomy' ), Bridge_Options::get( 'loopback' ), __( 'Only where the server cannot reach the site under its own name, for example http://127.0.0.1.', 'learnomy' ) );
		echo '</table>';
		submit_button( $is_paired ? __( 'Connect again', 'learnomy' ) : __( 'Connect', 'learnomy' ) );
		echo '</form>';
	}

	/**
	 * Shows the academy's settings, as the backend has them.
	 */
	private static function show_academy(): void {
		$reply  = rest_do_request( new \WP_REST_Request( 'GET', '/learnomy/v1/settings' ) );
		$answer = (array) $reply->get_data();
		echo '<h2>' . esc_html__( 'Academy', 'learnomy' ) . '</h2>';
		if ( $reply->is_error() || ! isset( $answer['data'] ) || ! is_array( $answer['data'] ) ) {
			echo '<p>' . esc_html__( 'The settings cannot be read while the backend does not answer.', 'learnomy' ) . '</p>';
			return;
		}
		$settings = $answer['data'];
		self::open_form( 'academy' );
		echo '<table class="form-table" role="presentation">';
		Settings_Fields::choice(
			'enrollment_mode',
			__( 'Enrolment', 'learnomy' ),
			(string) ( $settings['enrollment_mode'] ?? 'open' ),
			array(
				'open'     => __( 'Open: students join at once', 'learnomy' ),
				'approval' => __( 'Approval: staff let them in', 'learnomy' ),
			)
		);
		Settings_Fields::choice(
			'completion_rules',
			__( 'Completion rules', 'learnomy' ),
			(string) ( $settings['completion_rules'] ?? 'strict' ),
			array(
				'strict'   => __( 'Strict: a lesson is completed only when its rules are met', 'learnomy' ),
				'advisory' => __( 'Advisory: what is missing is pointed out', 'learnomy' ),
				'off'      => __( 'Off', 'learnomy' ),
			)
		);
		Settings_Fields::tick( 'require_login_for_content', __( 'Private academy', 'learnomy' ), ! empty( $settings['require_login_for_content'] ), __( 'Guests get no catalogue, category or course.', 'learnomy' ) );
		echo '</table><details><summary>' . esc_html__( 'Addresses of pages', 'learnomy' ) . '</summary><table class="form-table" role="presentation">';
		foreach ( self::slug_labels() as $name => $label ) {
			Settings_Fields::text( "slugs[$name]", $label, Page_Routes::bases()[ $name ], (string) wp_parse_url( home_url( '/' ), PHP_URL_HOST ) . '/' . Page_Routes::bases()[ $name ] . '/' );
		}
		echo '</table></details>';
		submit_button( __( 'Save', 'learnomy' ) );
		echo '</form>';
	}

	/**
	 * Labels of the base slugs.
	 *
	 * @return array<string, string>
	 */
	private static function slug_labels(): array {
		return array(
			'courses'           => __( 'Address of the catalogue', 'learnomy' ),
			'quiz'              => __( 'Address of quizzes', 'learnomy' ),
			'account'           => __( 'Address of the account', 'learnomy' ),
			'become_instructor' => __( 'Address of the instructor application', 'learnomy' ),
			'instructor'        => __( 'Address of the instructor dashboard', 'learnomy' ),
			'instructors'       => __( 'Address of instructors', 'learnomy' ),
			'membership'        => __( 'Address of memberships', 'learnomy' ),
			'checkout'          => __( 'Address of the checkout', 'learnomy' ),
			'certificate'       => __( 'Address of certificates', 'learnomy' ),
			'login'             => __( 'Address of the login', 'learnomy' ),
			'register'          => __( 'Address of the registration', 'learnomy' ),
		);
	}

	/**
	 * Shows what stands between the REST API and the backend, and what happens at the end.
	 */
	private static function show_bridge(): void {
		$record = get_option( Record::OPTION );
		$record = is_array( $record ) ? $record : array();
		$owners = array();
		foreach ( (array) ( $record['gates'] ?? array() ) as $hook => $listeners ) {
			foreach ( (array) $listeners as $owner ) {
				$owners[ (string) $owner ][] = (string) $hook;
			}
		}
		echo '<h2>' . esc_html__( 'Other plugins', 'learnomy' ) . '</h2>';
		self::open_form( 'bridge' );
		echo '<table class="form-table" role="presentation">';
		foreach ( $owners as $owner => $hooks ) {
			/* translators: %s: names of hooks. */
			Settings_Fields::tick( "harmless[$owner]", $owner, in_array( $owner, Bridge_Options::get( 'harmless' ), true ), sprintf( __( 'Harmless: it listens to %s for its own purposes, so Learnomy\'s REST requests may pass without it.', 'learnomy' ), implode( ', ', $hooks ) ) );
		}
		foreach ( (array) ( $record['firewalls'] ?? array() ) as $slug ) {
			Settings_Fields::tick( "firewall_ok[$slug]", (string) $slug, in_array( $slug, Bridge_Options::get( 'firewall_ok' ), true ), __( 'REST requests may pass without this firewall, or it stands before the web server.', 'learnomy' ) );
		}
		Settings_Fields::tick( 'compat', __( 'Compatibility mode', 'learnomy' ), Bridge_Options::get( 'compat' ), __( 'Load all of WordPress for every REST request. Slower; for plugins that expect it.', 'learnomy' ) );
		Settings_Fields::tick( 'remove_tables', __( 'Uninstall', 'learnomy' ), Settings_Save::removes_tables(), __( 'Remove all courses, enrolments and progress when the plugin is deleted.', 'learnomy' ) );
		echo '</table>';
		submit_button( __( 'Save', 'learnomy' ), 'secondary' );
		echo '</form>';
	}

	/**
	 * Opens a form.
	 *
	 * @param string $what Which one.
	 */
	private static function open_form( string $what ): void {
		echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '">';
		echo '<input type="hidden" name="action" value="' . esc_attr( Settings_Save::ACTION ) . '" />';
		echo '<input type="hidden" name="what" value="' . esc_attr( $what ) . '" />';
		wp_nonce_field( Settings_Save::ACTION . '_' . $what );
	}
}
